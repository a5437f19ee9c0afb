Feature: Who may get which credential
  What a review of a plan asks of every federation rule and of every key that it retires.

  Scenario: Every rule names the identity provider whose tokens it accepts
    Given I have federation_rule defined
    Then it must contain provider

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

  Scenario: Identity providers serve their keys over TLS
    Given I have resource that supports issuer_url defined
    Then it must contain issuer_url
    And its value must match the "^https://" regex
