# The production cluster: one inference service on two deployments that share a key, and a
# nightly batch job.

provider "kubernetes" "production" {
  issuer_url = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
}

service_account "inference" {
  description = "Answers customers"
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "inference" {
  provider        = provider.kubernetes.production
  service_account = service_account.inference
  workspaces      = [data.workspace.production]

  match {
    namespace       = "inference"
    service_account = "claude-worker"
    require_pod     = true
  }

  identity_token {
    file = "${local.machines}/inference-blue/identity-token"
  }
}

api_key "inference" {
  id           = "apikey_01Inference"
  replaced_by  = [federation_rule.inference]
  quiet_period = var.quiet_period

  consumer "dotenv" "blue" {
    path                = "${local.machines}/inference-blue/.env"
    identity_token_file = "${local.machines}/inference-blue/identity-token"
    report              = "${local.machines}/inference-blue/credential-report.json"
  }

  consumer "dotenv" "green" {
    path                = "${local.machines}/inference-green/.env"
    identity_token_file = "${local.machines}/inference-green/identity-token"
    report              = "${local.machines}/inference-green/credential-report.json"
  }
}

service_account "nightly_batch" {
  description = "Summarizes the day"
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "nightly_batch" {
  provider        = provider.kubernetes.production
  service_account = service_account.nightly_batch
  workspaces      = [data.workspace.production]

  match {
    namespace       = "batch"
    service_account = "nightly"
  }

  identity_token {
    file = "${local.machines}/nightly-batch/identity-token"
  }
}

api_key "nightly_batch" {
  id           = "apikey_01NightlyBatch"
  replaced_by  = [federation_rule.nightly_batch]
  quiet_period = "168h" # it runs at night, so a week shows that no run needs the key

  consumer "dotenv" "cronjob" {
    path                = "${local.machines}/nightly-batch/.env"
    identity_token_file = "${local.machines}/nightly-batch/identity-token"
    report              = "${local.machines}/nightly-batch/credential-report.json"
  }
}
