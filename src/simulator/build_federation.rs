//! The federation and the workloads of a seed.

use std::collections::BTreeMap;

use super::assumptions::Allowance;
use super::build::Builder;
use super::organization::{Enablement, Issuer, Rule, Workload};
use super::seed::Seed;

use super::limits;
use super::{identity_provider, issuers, jwt, matching, rules};

impl Builder<'_> {
    pub(super) fn identity_providers(&mut self, seed: &Seed) {
        for (at, provider) in seed.identity_providers.iter().enumerate() {
            let place = format!("identity_providers[{at}]");
            self.word(&place, &provider.name);
            if !jwt::ALGORITHMS.contains(&provider.algorithm.as_str()) {
                let known = format!("it is not one of {}", jwt::ALGORITHMS.join(", "));
                self.problem(&format!("{place}.algorithm"), &known);
                continue;
            }
            let created = identity_provider::create(provider.issuer_url.clone(), provider.algorithm.clone());
            let Some(created) = created else {
                self.problem(&place, "no key could be made");
                continue;
            };
            let is_new =
                !self.world.identity_providers.values().any(|it| it.issuer_url == provider.issuer_url)
                    && self.world.identity_providers.insert(provider.name.clone(), created).is_none();
            self.twice(&place, is_new);
        }
    }

    pub(super) fn issuers(&mut self, seed: &Seed) {
        for (at, issuer) in seed.issuers.iter().enumerate() {
            let place = format!("issuers[{at}]");
            let id = self.id(&place, "fdis", issuer.id.as_ref(), &issuer.name);
            let discovery = serde_json::json!({"type": "discovery"});
            let jwks =
                match issuers::read_jwks(issuer.jwks.as_ref().unwrap_or(&discovery), Allowance::Allowed) {
                    Ok(jwks) => jwks,
                    Err(refusal) => {
                        self.problem(&place, &refusal.message);
                        continue;
                    }
                };
            let row = Issuer {
                sequence: self.world.next_sequence(),
                name: issuer.name.clone(),
                issuer_url: issuer.issuer_url.clone(),
                jwks,
                check_jti: issuer.check_jti,
                max_jwt_lifetime_seconds: issuer.max_jwt_lifetime_seconds,
                jwks_polling_disabled_at: issuer.jwks_polling_disabled_at,
                failures: 0,
                last_fetched_at: None,
                provenance: self.provenance(),
            };
            let is_new = self.world.issuers.named(&row.name).next().is_none()
                && self.world.issuers.insert(id, row).is_none();
            self.twice(&place, is_new);
        }
    }

    /// Rules of a seed may be what the API no longer admits: of another scope, without a tenant
    /// pin, or with a legacy binding.
    pub(super) fn rules(&mut self, seed: &Seed) {
        for (at, rule) in seed.rules.iter().enumerate() {
            let place = format!("rules[{at}]");
            let id = self.id(&place, "fdrl", rule.id.as_ref(), &rule.name);
            let Some(issuer_id) = self.world.issuers.find(&rule.issuer).map(|(id, _)| id.clone()) else {
                self.problem(&format!("{place}.issuer"), &format!("there is no issuer {}", rule.issuer));
                continue;
            };
            let account = self.service_account(&format!("{place}.service_account"), &rule.service_account);
            let read = matching::read(&rule.matching, self.world.chosen.empty_claims)
                .map_err(|refusal| refusal.message);
            let matching = read.unwrap_or_else(|problem| {
                self.problem(&place, &problem);
                Default::default()
            });
            if let Some(problem) = rules::scope_problem(&rule.oauth_scope) {
                self.problem(&format!("{place}.oauth_scope"), &problem);
            }
            if !limits::TOKEN_LIFETIME_SECONDS.contains(&rule.token_lifetime_seconds) {
                self.problem(&format!("{place}.token_lifetime_seconds"), "it is not from 60 to 86400");
            }
            let enabled = Enablement { created_at: self.start, created_by: self.creator.clone() };
            let mut enablements = BTreeMap::new();
            for name in &rule.workspaces {
                let id = self.workspace(&format!("{place}.workspaces"), name);
                enablements.extend(
                    id.map(|id| (id, Enablement { created_by: enabled.created_by.clone(), ..enabled })),
                );
            }
            let legacy = rule.legacy_workspace.as_ref();
            let legacy = legacy.and_then(|name| self.workspace(&format!("{place}.legacy_workspace"), name));
            let row = Rule {
                sequence: self.world.next_sequence(),
                name: rule.name.clone(),
                description: rule.description.clone(),
                issuer_id,
                matching,
                service_account_id: account.unwrap_or_default(),
                oauth_scope: rule.oauth_scope.clone(),
                token_lifetime_seconds: rule.token_lifetime_seconds,
                applies_to_all_workspaces: rule.applies_to_all_workspaces,
                workspaces: enablements,
                legacy_workspace: legacy,
                provenance: self.provenance(),
            };
            let is_new = self.world.rules.named(&row.name).next().is_none()
                && self.world.rules.insert(id, row).is_none();
            self.twice(&place, is_new);
        }
    }

    pub(super) fn workloads(&mut self, seed: &Seed) {
        for (at, workload) in seed.workloads.iter().enumerate() {
            let place = format!("workloads[{at}]");
            self.word(&place, &workload.name);
            if workload.name == "run" {
                self.problem(&format!("{place}.name"), "run is the name of a control");
            }
            if !self.world.identity_providers.contains_key(&workload.identity_provider) {
                let problem = format!("there is no identity provider {}", workload.identity_provider);
                self.problem(&format!("{place}.identity_provider"), &problem);
            }
            self.path(&format!("{place}.identity_token_file"), &workload.identity_token_file);
            self.path(&format!("{place}.report"), &workload.report);
            for (file_at, file) in workload.environment.iter().enumerate() {
                self.path(&format!("{place}.environment[{file_at}]"), file);
            }
            let audience = workload.audience.clone();
            let row = Workload {
                lane: workload.lane.clone(),
                consumer: workload.consumer.clone(),
                identity_provider: workload.identity_provider.clone(),
                subject: workload.subject.clone(),
                audience: audience.unwrap_or_else(|| matching::AUDIENCE_DEFAULT.to_owned()),
                claims: workload.claims.clone(),
                token_lifetime_seconds: workload.token_lifetime_seconds,
                identity_token_file: workload.identity_token_file.clone(),
                environment: workload.environment.clone(),
                report: workload.report.clone(),
                calls_per_hour: workload.calls_per_hour,
                tokens_per_call: workload.tokens_per_call,
                client: workload.client.clone(),
                paused: false,
                calls: 0,
                failed_calls: 0,
                problem: None,
            };
            let is_new = self.world.workloads.insert(workload.name.clone(), row).is_none();
            self.twice(&place, is_new);
        }
    }
}
