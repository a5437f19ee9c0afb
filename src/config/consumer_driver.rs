//! How a consumer is looked into and changed: one kind of place each.

use std::path::PathBuf;

use crate::env_file::Format;

/// How a consumer is looked into and changed.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerDriver {
    /// A file of `NAME=value` lines.
    Dotenv {
        /// The file, relative to the configuration directory.
        path: PathBuf,
        /// Who reads it; guessed by the path unless said.
        format: Format,
        /// The variable that holds the key; `ANTHROPIC_API_KEY` unless said otherwise.
        variable: String,
        /// Where the workload finds its identity token. When given, the engine writes the
        /// federation variables into the file, beside the key.
        identity_token_file: Option<String>,
    },
    /// Settings of Claude Code.
    ClaudeCodeSettings(ClaudeCodeSettings),
    /// A secret of GitHub.
    GithubSecret(GithubSecret),
    /// A CI/CD variable of GitLab.
    GitlabVariable(GitlabVariable),
    /// An entry of a Kubernetes Secret or ConfigMap.
    KubernetesSecret(KubernetesSecret),
    /// A secret of AWS Secrets Manager.
    AwsSecret(AwsSecret),
    /// A secret of Google Cloud's Secret Manager.
    GcpSecret(GcpSecret),
    /// A secret of an Azure Key Vault.
    AzureSecret(AzureSecret),
    /// Commands of the user's.
    Command {
        /// Prints `present` or `absent`.
        check: Vec<String>,
        /// Takes the key out, such that `restore` can put it back.
        remove: Vec<String>,
        /// Puts the key back; none: the removal cannot be undone.
        restore: Option<Vec<String>>,
    },
    /// A person does it.
    Manual {
        /// What that person has to do.
        instructions: String,
    },
}

/// A JSON file of Claude Code's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaudeCodeSettings {
    /// The file, relative to the configuration directory.
    pub path: PathBuf,
    /// What in it gives the key.
    pub entry: SettingsEntry,
}

/// What in Claude Code's settings gives the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsEntry {
    /// A variable below `env`.
    Variable(String),
    /// The command `apiKeyHelper`.
    Helper,
}

/// A secret of GitHub. Its value can be written and never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubSecret {
    /// Whose secret it is.
    pub owner: GithubOwner,
    /// Which of the separate stores holds it: `actions`, `dependabot` or `codespaces`.
    pub app: String,
    /// Its name.
    pub name: String,
}

/// Whose secret it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GithubOwner {
    /// A repository's, `OWNER/NAME`.
    Repository(String),
    /// That of an environment of a repository; Actions only.
    Environment {
        /// `OWNER/NAME`.
        repository: String,
        /// The environment.
        environment: String,
    },
    /// An organization's.
    Organization(String),
}

/// A CI/CD variable of GitLab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitlabVariable {
    /// Whose variable it is.
    pub owner: GitlabOwner,
    /// Its key.
    pub key: String,
    /// Its environment scope; `*` unless said otherwise.
    pub environment_scope: String,
    /// Whether it is parked under another scope; otherwise it is deleted.
    pub park: bool,
}

/// Whose variable it is, by full path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitlabOwner {
    /// A project's.
    Project(String),
    /// A group's.
    Group(String),
}

/// An entry of a Kubernetes Secret or ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesSecret {
    /// The namespace.
    pub namespace: String,
    /// The object.
    pub object: KubernetesObject,
    /// The entry below `data`.
    pub key: String,
    /// The context of the kubeconfig; none: the current one.
    pub context: Option<String>,
}

/// An object that holds entries, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubernetesObject {
    /// A Secret.
    Secret(String),
    /// A ConfigMap.
    ConfigMap(String),
}

/// A secret of AWS Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSecret {
    /// Its name or ARN.
    pub secret_id: String,
    /// The region; none: that of the ARN, of the environment or of the profile.
    pub region: Option<String>,
    /// How long it can be brought back after its removal, in days, 7 to 30.
    pub recovery_window_days: u8,
}

/// A secret of Google Cloud's Secret Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcpSecret {
    /// The project's id or number.
    pub project: String,
    /// The secret's name.
    pub secret: String,
    /// The one version that holds the key; none: every enabled one.
    pub version: Option<String>,
}

/// A secret of an Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureSecret {
    /// The vault's URL, without a slash at the end.
    pub vault_url: String,
    /// The secret's name.
    pub secret: String,
    /// The version that holds the key; none: the current one.
    pub version: Option<String>,
}

/// How a key that was taken out is put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutBack {
    /// The driver does it; how, as a sentence part.
    ByDriver(String),
    /// A person does it, and what they have to do.
    ByPerson(String),
    /// Nobody can from what is left, and why.
    Impossible(String),
}

impl ConsumerDriver {
    /// Where the consumer is, for people.
    pub fn place(&self) -> String {
        match self {
            ConsumerDriver::Dotenv { path, .. } => path.display().to_string(),
            ConsumerDriver::ClaudeCodeSettings(settings) => settings.path.display().to_string(),
            ConsumerDriver::GithubSecret(secret) => {
                let owner = match &secret.owner {
                    GithubOwner::Repository(repository) => repository.clone(),
                    GithubOwner::Environment { repository, environment } => {
                        format!("{repository}, environment {environment}")
                    }
                    GithubOwner::Organization(organization) => format!("organization {organization}"),
                };
                format!("{} ({} secret of {owner})", secret.name, secret.app)
            }
            ConsumerDriver::GitlabVariable(variable) => {
                let (GitlabOwner::Project(owner) | GitlabOwner::Group(owner)) = &variable.owner;
                format!("{} (variable of {owner}, scope {})", variable.key, variable.environment_scope)
            }
            ConsumerDriver::KubernetesSecret(secret) => {
                let object = match &secret.object {
                    KubernetesObject::Secret(name) => format!("secret/{name}"),
                    KubernetesObject::ConfigMap(name) => format!("configmap/{name}"),
                };
                format!("{} of {object} in namespace {}", secret.key, secret.namespace)
            }
            ConsumerDriver::AwsSecret(secret) => secret.secret_id.clone(),
            ConsumerDriver::GcpSecret(secret) => {
                format!("projects/{}/secrets/{}", secret.project, secret.secret)
            }
            ConsumerDriver::AzureSecret(secret) => {
                format!("{}/secrets/{}", secret.vault_url, secret.secret)
            }
            ConsumerDriver::Command { check, .. } => check.join(" "),
            ConsumerDriver::Manual { instructions } => instructions.clone(),
        }
    }

    /// Whether only a person can look there.
    pub fn is_manual(&self) -> bool {
        matches!(self, ConsumerDriver::Manual { .. })
    }

    /// How the key is put back once it was taken out.
    pub fn put_back(&self) -> PutBack {
        let driver = |how: &str| PutBack::ByDriver(how.to_owned());
        match self {
            ConsumerDriver::Dotenv { .. } => driver("put the key back"),
            ConsumerDriver::ClaudeCodeSettings(_) => driver("move the entry back out of `keylessParked`"),
            ConsumerDriver::GithubSecret(_) => PutBack::Impossible(
                "GitHub never shows a secret's value again, so the secret has to be set anew".to_owned(),
            ),
            ConsumerDriver::GitlabVariable(GitlabVariable { park: true, .. }) => {
                driver("give the variable its environment scope back")
            }
            ConsumerDriver::GitlabVariable(_) => PutBack::Impossible(
                "the variable is deleted without reading its value, so it has to be set anew".to_owned(),
            ),
            ConsumerDriver::KubernetesSecret(_) => driver("move the entry back to its own name"),
            ConsumerDriver::AwsSecret(secret) => PutBack::ByDriver(format!(
                "cancel the scheduled deletion, within {} days",
                secret.recovery_window_days
            )),
            ConsumerDriver::GcpSecret(_) => driver("enable the secret's versions again"),
            ConsumerDriver::AzureSecret(_) => driver("enable the secret's version again"),
            ConsumerDriver::Command { restore: Some(_), .. } => driver("put the key back"),
            ConsumerDriver::Command { restore: None, .. } => {
                PutBack::Impossible("it has no `restore` command".to_owned())
            }
            ConsumerDriver::Manual { instructions } => PutBack::ByPerson(instructions.clone()),
        }
    }
}
