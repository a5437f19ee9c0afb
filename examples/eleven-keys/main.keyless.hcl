# Acme's eleven static Claude API keys, and what replaces each of them.
# The story of every file is in README.md beside this one.

keyless {
  required_version = ">= 0.1"
  organization_id  = var.organization_id

  # Acme as it is played by the embedded simulator. Waits for evidence, which take days in real
  # life, move the simulated clock instead, and say so.
  platform "simulator" {
    organization = "simulator/acme.json"
    skip_waits   = true
  }
}

variable "organization_id" {
  type        = string
  description = "The organization whose keys are retired; apply refuses any other."
  default     = "7c1f6a52-93c7-4f6e-8b1d-2a4f0e9d5c10"
}

variable "quiet_period" {
  type        = string
  description = "How long a key must be silent after it was taken out everywhere."
  default     = "72h"

  validation {
    condition     = can(regex("^[0-9]+h$", var.quiet_period))
    error_message = "Give the quiet period in hours, such as 72h."
  }
}

data "workspace" "production" {
  name = "Production"
}

data "workspace" "engineering" {
  name = "Engineering"
}

locals {
  # Where the demonstration keeps the files that stand for Acme's machines.
  machines = ".keyless/machines"
}

output "rules" {
  description = "The rule that each workload names when it exchanges its identity token."
  value = {
    release_notes = federation_rule.release_notes.id
    pr_triage     = federation_rule.pr_triage.id
    inference     = federation_rule.inference.id
    laptop        = federation_rule.laptop.id
  }
}
