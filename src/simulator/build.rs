//! From a seed to an organization, with every problem of the seed named at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::assumptions::Assumptions;
use super::clock::Clock;
use super::collection::Collection;
use super::concealed::Concealed;
use super::organization::{
    ApiKey, FORMAT, Membership, Organization, Provenance, ServiceAccount, Token, User, Workspace, World,
};
use super::seed::{self, Seed};
use super::{auth, faults, files, ids, memberships, rate_limits, workspaces};

/// Builds the world; problems are added to the list and leave the object in question out.
pub(super) fn world(seed: &Seed, problems: &mut Vec<String>, real: Timestamp) -> World {
    let (start, runs) = seed.clock.as_ref().map_or((real, true), |clock| (clock.start, clock.runs));
    let start = super::clock::floor(start, 1);
    let mut world = World {
        format: FORMAT,
        seed: seed.seed,
        earlier_seeds: BTreeSet::new(),
        sequence: 0,
        changes: 0,
        starts: 0,
        assumptions: Assumptions::default(),
        chosen: seed.assumptions.clone(),
        told: Assumptions::default(),
        faults: Vec::new(),
        rate_limits: seed.rate_limits.clone(),
        clock: Clock::new(start, runs, real),
        worked_until: start,
        organization: Organization {
            id: seed.organization.id.clone(),
            name: seed.organization.name.clone(),
            active_key_limit: seed.organization.active_key_limit,
        },
        users: BTreeMap::new(),
        workspaces: BTreeMap::new(),
        default_workspace: String::new(),
        api_keys: BTreeMap::new(),
        admin_key: Concealed::new(ids::secret(seed.seed, "sk-ant-admin01-", "admin")),
        issuers: Collection::default(),
        service_accounts: Collection::default(),
        rules: Collection::default(),
        tokens: BTreeMap::new(),
        used_jtis: BTreeMap::new(),
        exchanges: Vec::new(),
        activities: Vec::new(),
        usage: BTreeMap::new(),
        identity_providers: BTreeMap::new(),
        workloads: BTreeMap::new(),
    };
    match faults::waiting(seed.faults.clone()) {
        Ok(faults) => world.faults = faults,
        Err(found) => problems.extend(found),
    }
    problems.extend(rate_limits::problems(&seed.rate_limits));
    let mut builder = Builder { world: &mut world, problems, start, creator: None };
    if !ids::is_uuid(&seed.organization.id) {
        builder.problem("organization.id", "it is not a UUID");
    }
    builder.users(seed);
    builder.workspaces(seed);
    builder.service_accounts(seed);
    builder.api_keys(seed);
    builder.identity_providers(seed);
    builder.issuers(seed);
    builder.rules(seed);
    builder.workloads(seed);
    for (at, file) in seed.files.iter().enumerate() {
        builder.path(&format!("files[{at}].path"), &file.path);
    }
    world
}

/// A world in the making.
pub(super) struct Builder<'a> {
    pub(super) world: &'a mut World,
    pub(super) problems: &'a mut Vec<String>,
    pub(super) start: Timestamp,
    /// Who is noted as the maker of what the seed brings.
    pub(super) creator: Option<String>,
}

impl Builder<'_> {
    pub(super) fn problem(&mut self, place: &str, problem: &str) {
        self.problems.push(format!("{place}: {problem}"));
    }

    /// The given id if it is well formed, or one that follows from the name.
    pub(super) fn id(&mut self, place: &str, prefix: &str, given: Option<&String>, name: &str) -> String {
        match given {
            Some(id) if !ids::is_well_formed(id, prefix) => {
                self.problem(&format!("{place}.id"), &format!("it is not {prefix}_ with letters and digits"));
                id.clone()
            }
            Some(id) => id.clone(),
            None => ids::object(self.world.seed, prefix, name, 0),
        }
    }

    pub(super) fn path(&mut self, place: &str, path: &str) {
        if files::below(Path::new("base"), path).is_none() {
            self.problem(place, &format!("{path:?} is not a relative path that stays inside the directory"));
        }
    }

    pub(super) fn word(&mut self, place: &str, name: &str) {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(is_word) {
            self.problem(&format!("{place}.name"), "it may hold letters, digits, dots, _ and - only");
        }
    }

    /// Notes a second object of the same id or name.
    pub(super) fn twice(&mut self, place: &str, is_new: bool) {
        if !is_new {
            self.problem(place, "its id or name is there already");
        }
    }

    pub(super) fn workspace(&mut self, place: &str, name: &str) -> Option<String> {
        let found = self.world.workspaces.iter().find(|(id, it)| *id == name || it.name == name);
        let id = found.map(|(id, _)| id.clone());
        if id.is_none() {
            self.problem(place, &format!("there is no workspace {name}"));
        }
        id
    }

    pub(super) fn service_account(&mut self, place: &str, name: &str) -> Option<String> {
        let found = self.world.service_accounts.find(name);
        let id = found.map(|(id, _)| id.clone());
        if id.is_none() {
            self.problem(place, &format!("there is no service account {name}"));
        }
        id
    }

    fn user(&mut self, place: &str, name: &str) -> Option<String> {
        let found = self.world.users.iter().find(|(id, user)| *id == name || user.email == name);
        let id = found.map(|(id, _)| id.clone());
        if id.is_none() {
            self.problem(place, &format!("there is no user {name}"));
        }
        id
    }

    pub(super) fn provenance(&self) -> Provenance {
        Provenance::new(self.start, self.creator.as_deref())
    }

    /// The first two members get a login; where the seed has fewer, they are made up.
    fn users(&mut self, seed: &Seed) {
        let spare = [("Operator", "operator@example.com"), ("Person", "person@example.com")];
        let spare = spare.iter().skip(seed.users.len()).map(|(name, email)| (None, *name, *email));
        let given = seed.users.iter().map(|user| (user.id.as_ref(), user.name.as_str(), user.email.as_str()));
        let mut members = Vec::new();
        for (at, (id, name, email)) in given.chain(spare).enumerate() {
            let place = format!("users[{at}]");
            let id = self.id(&place, "user", id, email);
            let user = User { name: name.to_owned(), email: email.to_owned() };
            let is_new = self.world.users.insert(id.clone(), user).is_none();
            self.twice(&place, is_new);
            members.push(id);
        }
        for (purpose, id) in [seed::OPERATOR, seed::PERSON].iter().zip(&members) {
            let token = Token {
                actor: id.clone(),
                scope: auth::ORG_ADMIN.to_owned(),
                workspace: None,
                expires_at: None,
            };
            self.world.tokens.insert(seed::login_token(seed.seed, purpose), token);
        }
        self.creator = members.get(1).cloned();
    }

    fn workspaces(&mut self, seed: &Seed) {
        for (at, workspace) in seed.workspaces.iter().enumerate() {
            let place = format!("workspaces[{at}]");
            let id = self.id(&place, "wrkspc", workspace.id.as_ref(), &workspace.name);
            if workspace.default && !self.world.default_workspace.is_empty() {
                self.problem(&place, "there is a default workspace already");
            }
            if workspace.default {
                self.world.default_workspace = id.clone();
            }
            self.workspace_named(&place, id, &workspace.name, workspace.active_key_limit);
        }
        if self.world.default_workspace.is_empty() {
            let id = ids::object(seed.seed, "wrkspc", "Default", 0);
            self.world.default_workspace = id.clone();
            self.workspace_named("workspaces", id, "Default", None);
        }
    }

    fn workspace_named(&mut self, place: &str, id: String, name: &str, active_key_limit: Option<u64>) {
        let workspace = Workspace {
            sequence: self.world.next_sequence(),
            name: name.to_owned(),
            created_at: self.start,
            archived_at: None,
            display_color: workspaces::default_color(),
            data_residency: workspaces::default_residency(),
            tags: BTreeMap::new(),
            external_key_id: None,
            user_profile_id: None,
            active_key_limit,
            members: BTreeMap::new(),
        };
        let is_new = !self.world.workspaces.values().any(|it| it.name == name)
            && self.world.workspaces.insert(id, workspace).is_none();
        self.twice(place, is_new);
    }

    fn service_accounts(&mut self, seed: &Seed) {
        for (at, account) in seed.service_accounts.iter().enumerate() {
            let place = format!("service_accounts[{at}]");
            let id = self.id(&place, "svac", account.id.as_ref(), &account.name);
            let role = account.organization_role.clone().unwrap_or_else(|| String::from("developer"));
            if !matches!(role.as_str(), "developer" | "admin") {
                self.problem(&format!("{place}.organization_role"), "it is neither developer nor admin");
            }
            for (member_at, member) in account.memberships.iter().enumerate() {
                let place = format!("{place}.memberships[{member_at}]");
                let Some(workspace) = self.workspace(&place, &member.workspace) else { continue };
                if !memberships::ROLES.contains(&member.role.as_str()) {
                    self.problem(
                        &place,
                        &format!("the role is not one of {}", memberships::ROLES.join(", ")),
                    );
                }
                let row = Membership { role: member.role.clone(), created_by: self.creator.clone() };
                if let Some(workspace) = self.world.workspaces.get_mut(&workspace) {
                    workspace.members.insert(id.clone(), row);
                }
            }
            let row = ServiceAccount {
                sequence: self.world.next_sequence(),
                name: account.name.clone(),
                description: account.description.clone(),
                organization_role: role,
                provenance: self.provenance(),
            };
            let is_new = self.world.service_accounts.named(&row.name).next().is_none()
                && self.world.service_accounts.insert(id, row).is_none();
            self.twice(&place, is_new);
        }
    }

    fn api_keys(&mut self, seed: &Seed) {
        for (at, key) in seed.api_keys.iter().enumerate() {
            let place = format!("api_keys[{at}]");
            let id = self.id(&place, "apikey", Some(&key.id), &key.name);
            let workspace = match &key.workspace {
                None if key.organization_wide => None,
                Some(name) if !key.organization_wide => self.workspace(&format!("{place}.workspace"), name),
                Some(_) => {
                    self.problem(&place, "a key of the whole organization has no workspace");
                    None
                }
                None => Some(self.world.default_workspace.clone()),
            };
            let creator = match &key.created_by {
                None => self.creator.clone(),
                Some(name) => self.user(&format!("{place}.created_by"), name),
            };
            let principal = match (&key.service_account, &key.user) {
                (Some(name), None) => self.service_account(&format!("{place}.service_account"), name),
                (None, Some(name)) => self.user(&format!("{place}.user"), name),
                (None, None) => None,
                (Some(_), Some(_)) => {
                    self.problem(&place, "it is either a user's or a service account's");
                    None
                }
            };
            if key.organization_wide && principal.is_none() {
                self.problem(&place, "a key of the whole organization is a user's or a service account's");
            }
            let row = ApiKey {
                sequence: self.world.next_sequence(),
                name: key.name.clone(),
                status: key.status,
                workspace,
                created_at: key.created_at.unwrap_or(self.start),
                created_by: creator,
                expires_at: key.expires_at,
                stopped_at: None,
                principal,
                secret: Concealed::new(ids::secret(seed.seed, "sk-ant-api03-", &id)),
            };
            let is_new = self.world.api_keys.insert(id, row).is_none();
            self.twice(&place, is_new);
        }
    }
}
