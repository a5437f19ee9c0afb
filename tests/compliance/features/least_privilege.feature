@noskip
Feature: Who may get which credential
  What a review asks of every rule, account and key of a plan. A plan without any of them is no plan to review.

  Scenario: Every rule takes tokens of an identity provider that is declared
    Given I have federation_rule defined
    Then it must have "provider\." referenced

  Scenario: Every rule mints tokens for a service account that is declared
    Given I have federation_rule defined
    Then it must have "service_account\." referenced

  Scenario: No rule works in every workspace
    Given I have federation_rule defined
    Then it must contain applies_to_all_workspaces
    And its value must be false

  Scenario: Tokens live an hour at most
    Given I have federation_rule defined
    Then it must contain token_lifetime_seconds
    And its value must be less and equal to 3600

  Scenario: Service accounts administer nothing
    Given I have service_account defined
    Then it must contain organization_role
    And its value must match the "^(user|developer)$" regex

  Scenario: Identity providers are reached over TLS
    Given I have resource that supports issuer_url defined
    Then it must contain issuer_url
    And its value must match the "^https://" regex

  Scenario: Every key names the rules that replace it
    Given I have api_key defined
    Then it must have "federation_rule\." referenced

  Scenario: The organization is named by a variable
    Given I have organization_id variable configured
    Then it must contain default
