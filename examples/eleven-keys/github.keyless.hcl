# GitHub Actions: release notes on every push to main, triage of new issues in a protected
# environment.

provider "github_actions" "github" {
  organization    = "acme"
  organization_id = "9100001"
}

service_account "release_notes" {
  description = "Writes release notes"
  membership {
    workspace = data.workspace.engineering
    role      = "workspace_developer"
  }
}

federation_rule "release_notes" {
  description     = "Pushes to main of acme/app"
  provider        = provider.github_actions.github
  service_account = service_account.release_notes
  workspaces      = [data.workspace.engineering]

  match {
    repository    = "acme/app"
    repository_id = "550001001"
    branch        = "main"
    event_name    = "push"
    workflow_ref  = "acme/app/.github/workflows/release.yml@refs/heads/main"
  }

  identity_token {
    file = "${local.machines}/release-notes/identity-token"
  }
}

api_key "release_notes" {
  id            = "apikey_01ReleaseNotes"
  replaced_by   = [federation_rule.release_notes]
  quiet_period  = var.quiet_period
  archive_after = "168h"

  consumer "dotenv" "runner" {
    path                = "${local.machines}/release-notes/.env"
    identity_token_file = "${local.machines}/release-notes/identity-token"
    report              = "${local.machines}/release-notes/credential-report.json"
  }
}

service_account "pr_triage" {
  description = "Labels new issues"
  membership {
    workspace = data.workspace.engineering
    role      = "workspace_developer"
  }
}

federation_rule "pr_triage" {
  description     = "The environment triage of acme/bots"
  provider        = provider.github_actions.github
  service_account = service_account.pr_triage
  workspaces      = [data.workspace.engineering]

  match {
    repository    = "acme/bots"
    repository_id = "550001002"
    environment   = "triage"
  }

  identity_token {
    file = "${local.machines}/pr-triage/identity-token"
  }
}

api_key "pr_triage" {
  id           = "apikey_01PrTriage"
  replaced_by  = [federation_rule.pr_triage]
  quiet_period = var.quiet_period

  consumer "dotenv" "runner" {
    path                = "${local.machines}/pr-triage/.env"
    identity_token_file = "${local.machines}/pr-triage/identity-token"
    report              = "${local.machines}/pr-triage/credential-report.json"
  }
}
