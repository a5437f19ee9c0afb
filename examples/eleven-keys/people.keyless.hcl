# Okta, a partner who runs our batch on their own machines, and a developer's laptop.

provider "okta" "workforce" {
  domain               = "acme.okta.com"
  authorization_server = "aus1a2b3c4d5e6f7g8h9"
}

provider "oidc" "devices" {
  issuer_url = "https://devices.acme.example.com"
}

service_account "support_bot" {
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "support_bot" {
  provider        = provider.okta.workforce
  service_account = service_account.support_bot
  workspaces      = [data.workspace.production]

  match {
    client_id = "0oa1b2c3d4e5f6g7h8i9"
    scopes    = ["anthropic.access"]
  }

  identity_token {
    file = "${local.machines}/support-bot/identity-token"
  }
}

api_key "support_bot" {
  id           = "apikey_01SupportBot"
  replaced_by  = [federation_rule.support_bot]
  quiet_period = var.quiet_period

  consumer "dotenv" "server" {
    path                = "${local.machines}/support-bot/.env"
    identity_token_file = "${local.machines}/support-bot/identity-token"
    report              = "${local.machines}/support-bot/credential-report.json"
  }
}

# Nobody but the partner can look into the partner's machines. The lane waits for a named person
# who says that the key is gone there.
service_account "partner_batch" {
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "partner_batch" {
  description     = "The partner's service application"
  provider        = provider.okta.workforce
  service_account = service_account.partner_batch
  workspaces      = [data.workspace.production]

  match {
    client_id = "0oa9i8h7g6f5e4d3c2b1"
    scopes    = ["anthropic.access"]
  }

  identity_token {
    file = "${local.machines}/partner-batch/identity-token"
  }
}

api_key "partner_batch" {
  id           = "apikey_01PartnerBatch"
  replaced_by  = [federation_rule.partner_batch]
  quiet_period = var.quiet_period

  consumer "manual" "partner" {
    instructions = "Ask batch@partner.example to delete ANTHROPIC_API_KEY on their batch machine"
  }
}

# The trap: the key is taken out of .env, and the shell profile still exports it.
service_account "laptop" {
  membership {
    workspace = data.workspace.engineering
    role      = "workspace_developer"
  }
}

federation_rule "laptop" {
  description     = "One developer's laptop"
  provider        = provider.oidc.devices
  service_account = service_account.laptop
  workspaces      = [data.workspace.engineering]

  match {
    subject = "device:laptop-4711"
  }

  identity_token {
    file = "${local.machines}/laptop/identity-token"
  }
}

api_key "laptop" {
  id           = "apikey_01Laptop"
  replaced_by  = [federation_rule.laptop]
  quiet_period = "24h"

  consumer "dotenv" "project" {
    path                = "${local.machines}/laptop/.env"
    identity_token_file = "${local.machines}/laptop/identity-token"
    report              = "${local.machines}/laptop/credential-report.json"
  }
}
