//! Reads kubeconfig files: pure, from their texts to what one context says.

use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A kubeconfig file.
pub(super) struct File {
    directory: PathBuf,
    document: Yaml,
}

/// Bytes that are given in place or in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Base64.
    Data(Zeroizing<String>),
    /// A file.
    File(PathBuf),
}

/// A program that gives credentials.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    pub(super) api_version: String,
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) provide_cluster: bool,
    /// The directory of the file that names it.
    pub(super) directory: PathBuf,
}

/// What a context says.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) server: String,
    pub(super) authorities: Option<Source>,
    pub(super) token: Option<Secret>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) certificate: Option<Source>,
    pub(super) key: Option<Source>,
    pub(super) plugin: Option<Plugin>,
}

/// Reads one file; YAML, of which JSON is a part.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, String> {
    let documents = YamlLoader::load_from_str(text)
        .map_err(|error| format!("{} is not YAML (line {})", path.display(), error.marker().line()))?;
    let directory = path.parent().unwrap_or(Path::new(".")).to_owned();
    Ok(File { directory, document: documents.into_iter().next().unwrap_or(Yaml::Null) })
}

/// What a context says; none: the current one. Of several files the first that has a thing counts.
pub(super) fn context(files: &[File], wanted: Option<&str>) -> Result<Context, String> {
    let current = || files.iter().find_map(|file| text(&file.document["current-context"]));
    let name = wanted.map(str::to_owned).or_else(current).ok_or("no context is current")?;
    let (_, context) =
        named(files, "contexts", "context", &name).ok_or_else(|| format!("there is no context `{name}`"))?;
    let part = |list: &str, item: &str| {
        let name = text(&context[item]).unwrap_or_default();
        named(files, list, item, &name)
            .ok_or_else(|| format!("the context `{name}` refers to a {item} that is not there"))
    };
    let (cluster_file, cluster) = part("clusters", "cluster")?;
    let (user_file, user) = part("users", "user")?;
    refuse(cluster, "cluster", &["tls-server-name", "proxy-url"])?;
    if cluster["insecure-skip-tls-verify"].as_bool() == Some(true) {
        return Err("the cluster has `insecure-skip-tls-verify`, so the token could go to anyone; give its \
                    certificate authority instead"
            .to_owned());
    }
    refuse(user, "user", &["username", "password", "auth-provider", "as", "as-groups"])?;
    let server = text(&cluster["server"]).ok_or("the cluster has no `server`")?;
    Ok(Context {
        server,
        authorities: source(cluster, "certificate-authority", cluster_file),
        token: text(&user["token"]).map(Secret::new),
        token_file: text(&user["tokenFile"]).map(|path| user_file.directory.join(path)),
        certificate: source(user, "client-certificate", user_file),
        key: source(user, "client-key", user_file),
        plugin: plugin(&user["exec"], user_file)?,
    })
}

fn named<'f>(files: &'f [File], list: &str, item: &str, name: &str) -> Option<(&'f File, &'f Yaml)> {
    files.iter().find_map(|file| {
        let entries = file.document[list].as_vec()?;
        let entry = entries.iter().find(|entry| entry["name"].as_str() == Some(name))?;
        Some((file, &entry[item]))
    })
}

fn text(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        // A token or a name may look like a number.
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Real(text) => Some(text.clone()),
        _ => None,
    }
}

/// Data in place goes before a file.
fn source(holder: &Yaml, name: &str, file: &File) -> Option<Source> {
    if let Some(data) = text(&holder[format!("{name}-data").as_str()]) {
        return Some(Source::Data(Zeroizing::new(data)));
    }
    text(&holder[name]).map(|path| Source::File(file.directory.join(path)))
}

/// Refuses settings that would have to be followed and are not.
fn refuse(holder: &Yaml, what: &str, names: &[&str]) -> Result<(), String> {
    match names.iter().find(|name| !matches!(holder[**name], Yaml::BadValue | Yaml::Null)) {
        Some(name) => Err(format!("the {what} has `{name}`, which is not supported here")),
        None => Ok(()),
    }
}

fn plugin(exec: &Yaml, file: &File) -> Result<Option<Plugin>, String> {
    let Some(program) = text(&exec["command"]) else { return Ok(None) };
    // A program with a directory in its name is looked for beside the file.
    let program = match program.contains('/') {
        true => file.directory.join(&program).display().to_string(),
        false => program,
    };
    let arguments = exec["args"].as_vec().into_iter().flatten().filter_map(text);
    let variables = exec["env"].as_vec().into_iter().flatten();
    let variables = variables.filter_map(|entry| Some((text(&entry["name"])?, text(&entry["value"])?)));
    Ok(Some(Plugin {
        api_version: text(&exec["apiVersion"]).ok_or("the user's `exec` has no `apiVersion`")?,
        command: [program].into_iter().chain(arguments).collect(),
        variables: variables.collect(),
        provide_cluster: exec["provideClusterInfo"].as_bool() == Some(true),
        directory: file.directory.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: prod
  cluster: {server: "https://10.0.0.1:6443", certificate-authority: ca.pem}
- name: dev
  cluster:
    server: https://dev.example.com
    certificate-authority-data: Q0E=
- name: odd
  cluster: {server: https://odd.example.com, insecure-skip-tls-verify: true}
contexts:
- name: prod
  context: {cluster: prod, user: token, namespace: x}
- name: dev
  context: {cluster: dev, user: plugin}
- name: odd
  context: {cluster: odd, user: token}
- name: lost
  context: {cluster: prod, user: nobody}
- name: old
  context: {cluster: prod, user: basic}
users:
- name: token
  user:
    token: abc
- name: basic
  user: {username: u, password: p}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: bin/login
      args: [--cluster, "7"]
      env:
      - {name: REGION, value: eu}
      provideClusterInfo: true
"#;

    fn read(wanted: Option<&str>) -> Result<Context, String> {
        context(&[parse(CONFIG, Path::new("/home/me/.kube/config")).unwrap()], wanted)
    }

    #[test]
    fn a_context_leads_to_server_and_credential() {
        let prod = read(None).unwrap();
        assert_eq!(prod.server, "https://10.0.0.1:6443");
        assert_eq!(prod.authorities, Some(Source::File(PathBuf::from("/home/me/.kube/ca.pem"))));
        assert_eq!(prod.token.unwrap().expose(), "abc");
        let dev = read(Some("dev")).unwrap();
        assert_eq!(dev.authorities, Some(Source::Data(Zeroizing::new("Q0E=".to_owned()))));
        let plugin = dev.plugin.unwrap();
        assert_eq!(plugin.command, ["/home/me/.kube/bin/login", "--cluster", "7"]);
        assert_eq!(plugin.variables, [("REGION".to_owned(), "eu".to_owned())]);
        assert!(plugin.provide_cluster);
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for (wanted, words) in [
            ("odd", "insecure-skip-tls-verify"),
            ("lost", "refers to a user"),
            ("old", "`username`"),
            ("none", "no context `none`"),
        ] {
            let why = read(Some(wanted)).unwrap_err();
            assert!(why.contains(words), "{wanted}: {why}");
        }
        assert!(parse("a: [", Path::new("config")).is_err());
        assert!(context(&[parse("", Path::new("config")).unwrap()], None).is_err());
    }

    #[test]
    fn of_several_files_the_first_that_has_a_thing_counts() {
        let first = "current-context: dev\ncontexts: [{name: dev, context: {cluster: dev, user: token}}]\n";
        let files = [("/a/config", first), ("/b/config", CONFIG)]
            .map(|(path, text)| parse(text, Path::new(path)).unwrap());
        let found = context(&files, None).unwrap();
        assert_eq!((found.server.as_str(), found.plugin.is_none()), ("https://dev.example.com", true));
    }
}
