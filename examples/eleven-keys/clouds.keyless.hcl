# AWS, Google Cloud and Microsoft Entra.

provider "aws" "main" {
  account_issuer = "3f1c2d4e-1111-4222-8333-444455556666"
}

provider "gcp" "google" {}

provider "entra" "tenant" {
  tenant_id = "aaaabbbb-0000-4ccc-8111-dddd2222eeee"
}

service_account "summarizer" {
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "summarizer" {
  description     = "The Lambda function that summarizes tickets"
  provider        = provider.aws.main
  service_account = service_account.summarizer
  workspaces      = [data.workspace.production]

  match {
    role_arn            = "arn:aws:iam::123456789012:role/summarizer"
    organization_id     = "o-abc1234567"
    lambda_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:summarizer"
  }

  identity_token {
    file = "${local.machines}/summarizer/identity-token"
  }
}

api_key "summarizer" {
  id           = "apikey_01Summarizer"
  replaced_by  = [federation_rule.summarizer]
  quiet_period = var.quiet_period

  consumer "dotenv" "lambda" {
    path                = "${local.machines}/summarizer/.env"
    identity_token_file = "${local.machines}/summarizer/identity-token"
    report              = "${local.machines}/summarizer/credential-report.json"
  }
}

service_account "report_builder" {
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "report_builder" {
  description     = "The ECS service that builds reports"
  provider        = provider.aws.main
  service_account = service_account.report_builder
  workspaces      = [data.workspace.production]

  match {
    role_arn        = "arn:aws:iam::123456789012:role/report-builder"
    organization_id = "o-abc1234567"
  }

  identity_token {
    file = "${local.machines}/report-builder/identity-token"
  }
}

api_key "report_builder" {
  id           = "apikey_01ReportBuilder"
  replaced_by  = [federation_rule.report_builder]
  quiet_period = var.quiet_period

  consumer "dotenv" "ecs" {
    path                = "${local.machines}/report-builder/.env"
    identity_token_file = "${local.machines}/report-builder/identity-token"
    report              = "${local.machines}/report-builder/credential-report.json"
  }
}

service_account "search_indexer" {
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "search_indexer" {
  description     = "The Cloud Run service that indexes documents"
  provider        = provider.gcp.google
  service_account = service_account.search_indexer
  workspaces      = [data.workspace.production]

  match {
    service_account_unique_id = "104892101234567890123"
    service_account_email     = "search-indexer@acme-prod.iam.gserviceaccount.com"
  }

  identity_token {
    file = "${local.machines}/search-indexer/identity-token"
  }
}

api_key "search_indexer" {
  id           = "apikey_01SearchIndexer"
  replaced_by  = [federation_rule.search_indexer]
  quiet_period = var.quiet_period

  consumer "dotenv" "cloud_run" {
    path                = "${local.machines}/search-indexer/.env"
    identity_token_file = "${local.machines}/search-indexer/identity-token"
    report              = "${local.machines}/search-indexer/credential-report.json"
  }
}

service_account "mail_router" {
  membership {
    workspace = data.workspace.production
    role      = "workspace_developer"
  }
}

federation_rule "mail_router" {
  description     = "The managed identity of the mail router"
  provider        = provider.entra.tenant
  service_account = service_account.mail_router
  workspaces      = [data.workspace.production]

  match {
    object_id = "9f8e7d6c-1a2b-4c4d-8e6f-0a1b2c3d4e5f"
    audience  = "11112222-bbbb-4333-8ccc-4444dddd5555"
  }

  identity_token {
    file = "${local.machines}/mail-router/identity-token"
  }
}

api_key "mail_router" {
  id           = "apikey_01MailRouter"
  replaced_by  = [federation_rule.mail_router]
  quiet_period = var.quiet_period

  consumer "dotenv" "vm" {
    path                = "${local.machines}/mail-router/.env"
    identity_token_file = "${local.machines}/mail-router/identity-token"
    report              = "${local.machines}/mail-router/credential-report.json"
  }
}
