mod processes;

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::neighbour::{Neighbour, Purpose};
use super::*;

const OLD: &str = "LOG=1\r\nKEY=old\nEND";
const NEW: &str = "LOG=1\r\n# KEY=old\nEND";

/// A folder with one file in it.
struct Folder {
    directory: TempDir,
    file: PathBuf,
}

impl Folder {
    fn new() -> Folder {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().canonicalize().unwrap().join(".env");
        std::fs::write(&file, OLD).unwrap();
        Folder { directory, file }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.file.with_file_name(name)
    }

    #[track_caller]
    fn edit(&self) {
        edit(&self.file, park).unwrap();
        assert_eq!(std::fs::read_to_string(&self.file).unwrap(), NEW);
        self.holds(&[".env"]);
    }

    #[track_caller]
    fn holds(&self, names: &[&str]) {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut found: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(found, names);
    }

    fn sweep(&self) -> sweep::Unsettled {
        sweep::sweep(folder(&self.file))
    }

    /// A record as a killed process leaves it.
    fn leave_record(&self, old: &str, new: &str) -> PathBuf {
        let bytes = in_place::encode(old.as_bytes(), new.as_bytes());
        let record = Neighbour::create(&self.file, Purpose::Record, &bytes).unwrap();
        let path = record.path.clone();
        record.keep();
        path
    }
}

fn park(text: &str) -> Result<Zeroizing<String>, String> {
    Ok(Zeroizing::new(text.replace("KEY", "# KEY")))
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What the tests below have done by another user or in another view of the file system.
#[test]
fn edit_what_the_environment_names() {
    let Some(path) = std::env::var_os("KEYLESS_TEST_EDITED_FILE") else { return };
    match edit(Path::new(&path), park) {
        Ok(()) => println!("edited"),
        Err(why) => println!("refused: {why}"),
    }
}

/// Edits in a process that these words start; none where this machine has no such program or right.
fn edited_by(words: &[&str], path: &Path) -> Option<String> {
    let test = "consumer::file::tests::edit_what_the_environment_names";
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let output = command.env("KEYLESS_TEST_EDITED_FILE", path).output().ok()?;
    let told = String::from_utf8(output.stdout).unwrap();
    let line = told.lines().find(|line| line.contains("edited") || line.contains("refused: "));
    if line.is_none() {
        println!("skipped: {} does not work here: {}", words[0], String::from_utf8_lossy(&output.stderr));
    }
    line.map(str::to_owned)
}

const ANOTHER_USER: [&str; 4] = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"];

#[test]
fn owner_group_and_mode_stay() {
    let folder = Folder::new();
    std::fs::set_permissions(&folder.file, std::fs::Permissions::from_mode(0o640)).unwrap();
    match is_root() {
        true => std::os::unix::fs::chown(&folder.file, Some(1234), Some(2345)).unwrap(),
        false => println!("skipped in part: only root can give a file to another user"),
    }
    let facts = || {
        let found = std::fs::metadata(&folder.file).unwrap();
        (found.uid(), found.gid(), found.mode(), found.nlink())
    };
    let (before, was) = (facts(), inode(&folder.file));
    folder.edit();
    assert_eq!(facts(), before);
    assert_ne!(inode(&folder.file), was, "it is replaced at once");
}

#[test]
fn a_file_that_a_new_one_could_not_stand_for_is_edited_in_its_place() {
    if !is_root() {
        return println!("skipped: only root can become another user");
    }
    let folder = Folder::new();
    std::fs::set_permissions(folder.directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(&folder.file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let was = inode(&folder.file);
    let Some(told) = edited_by(&ANOTHER_USER, &folder.file) else { return };
    assert!(told.contains("edited"), "{told}");
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), NEW);
    assert_eq!((inode(&folder.file), std::fs::metadata(&folder.file).unwrap().uid()), (was, 0));
    folder.holds(&[".env"]);
}

#[test]
fn extended_attributes_stay() {
    let folder = Folder::new();
    if let Err(error) = xattr::set(&folder.file, "user.note", b"kept") {
        return println!("skipped: no extended attributes here: {error}");
    }
    folder.edit();
    assert_eq!(xattr::get(&folder.file, "user.note").unwrap().as_deref(), Some(&b"kept"[..]));
}

/// An access control list that lets user 1234 read, as the kernel takes it.
fn list_with_user_1234() -> Vec<u8> {
    let nobody = u32::MAX;
    let (owner, user, group, mask, others) = (0x01_u16, 0x02, 0x04, 0x10, 0x20);
    let entries =
        [(owner, 6_u16, nobody), (user, 4, 1234), (group, 4, nobody), (mask, 4, nobody), (others, 0, nobody)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        list.extend_from_slice(&tag.to_le_bytes());
        list.extend_from_slice(&rights.to_le_bytes());
        list.extend_from_slice(&id.to_le_bytes());
    }
    list
}

#[test]
fn access_control_lists_stay_and_none_comes_from_the_folder() {
    let folder = Folder::new();
    let list = |path: &Path| xattr::get(path, "system.posix_acl_access").unwrap();
    if let Err(error) = xattr::set(&folder.file, "system.posix_acl_access", &list_with_user_1234()) {
        return println!("skipped: no access control lists here: {error}");
    }
    folder.edit();
    assert_eq!(list(&folder.file), Some(list_with_user_1234()));
    let folder = Folder::new();
    xattr::set(folder.directory.path(), "system.posix_acl_default", &list_with_user_1234()).unwrap();
    std::fs::write(folder.path("new"), "").unwrap();
    assert!(list(&folder.path("new")).is_some());
    std::fs::remove_file(folder.path("new")).unwrap();
    folder.edit();
    assert_eq!(list(&folder.file), None);
}

#[test]
fn every_name_of_a_file_shows_the_edit() {
    let folder = Folder::new();
    std::fs::hard_link(&folder.file, folder.path("other")).unwrap();
    edit(&folder.file, park).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path("other")).unwrap(), NEW);
    assert_eq!(inode(&folder.path("other")), inode(&folder.file));
    // Shorter again.
    edit(&folder.path("other"), |text| Ok(Zeroizing::new(text.replace("# ", "")))).unwrap();
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), OLD);
    folder.holds(&[".env", "other"]);
}

#[test]
fn a_mounted_file_is_edited_in_its_place() {
    let folder = Folder::new();
    std::fs::write(folder.path("inside"), "").unwrap();
    let (outside, inside) = (folder.file.display(), folder.path("inside"));
    let script = format!("mount --bind {outside} {} && exec \"$@\"", inside.display());
    let words = ["unshare", "-m", "sh", "-c", &script, "sh"];
    let Some(told) = edited_by(&words, &inside) else { return };
    assert!(told.contains("edited"), "{told}");
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), NEW);
    folder.holds(&[".env", "inside"]);
}

#[test]
fn a_link_stays_and_the_file_behind_it_changes() {
    let folder = Folder::new();
    symlink(".env", folder.path("link")).unwrap();
    edit(&folder.path("link"), park).unwrap();
    assert_eq!(std::fs::read_link(folder.path("link")).unwrap(), Path::new(".env"));
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), NEW);
    folder.holds(&[".env", "link"]);
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let folder = Folder::new();
    let was = inode(&folder.file);
    edit(&folder.file, |text| Ok(Zeroizing::new(text.to_owned()))).unwrap();
    assert_eq!(inode(&folder.file), was);
}

#[test]
fn a_neighbour_has_a_name_that_ignore_rules_fit_and_nobody_foresees() {
    let folder = Folder::new();
    let [one, other] =
        [Purpose::Text, Purpose::Text].map(|it| Neighbour::create(&folder.file, it, b"x").unwrap());
    assert_ne!(one.path, other.path);
    for neighbour in [&one, &other] {
        let name = neighbour.path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(".env.keyless-"), "{name}");
        assert_eq!(neighbour::told_by(name), Some((".env", Purpose::Text)));
        assert_eq!(neighbour.file.metadata().unwrap().mode() & 0o777, 0o600);
    }
    drop((one, other));
    folder.holds(&[".env"]);
    let check = |name, expected| assert_eq!(neighbour::told_by(name), expected, "{name}");
    check(".env.keyless-0123456789abcdef.edit", Some((".env", Purpose::Record)));
    check(".env.keyless-0123456789abcde", None);
    check(".env.keyless-0123456789ABCDEF", None);
    check(".env.keyless-new", None);
    check(".keyless-0123456789abcdef", None);
    check(".env", None);
}

#[test]
fn leftovers_are_swept_and_work_under_way_is_not() {
    let folder = Folder::new();
    let living = Neighbour::create(&folder.file, Purpose::Text, b"KEY=x").unwrap();
    Neighbour::create(&folder.file, Purpose::Text, b"KEY=y").unwrap().keep();
    std::fs::create_dir(folder.path(".env.keyless-0000000000000000")).unwrap();
    symlink(".env", folder.path(".env.keyless-1111111111111111")).unwrap();
    assert!(folder.sweep().is_empty());
    let mut left = [
        ".env",
        ".env.keyless-0000000000000000",
        ".env.keyless-1111111111111111",
        living.path.file_name().unwrap().to_str().unwrap(),
    ];
    left.sort_unstable();
    folder.holds(&left);
}

#[test]
fn a_folder_is_swept_when_its_first_file_is_opened() {
    let folder = Folder::new();
    Neighbour::create(&folder.file, Purpose::Text, b"KEY=y").unwrap().keep();
    assert_eq!(*read(&folder.file).unwrap(), OLD);
    folder.holds(&[".env"]);
    Neighbour::create(&folder.file, Purpose::Text, b"KEY=z").unwrap().keep();
    read(&folder.file).unwrap();
    assert_eq!(std::fs::read_dir(folder.directory.path()).unwrap().count(), 2, "and once only");
}

#[test]
fn an_edit_in_place_that_was_cut_off_is_finished() {
    for (old, new) in [(OLD, NEW), (NEW, OLD)] {
        for written in 0..=new.len() {
            let folder = Folder::new();
            let rest = old.get(written..).unwrap_or_default();
            let torn = format!("{}{rest}", &new[..written]);
            std::fs::write(&folder.file, &torn).unwrap();
            folder.leave_record(old, new);
            let expected = if torn == old { old } else { new };
            assert_eq!(*read(&folder.file).unwrap(), expected, "{written}");
            folder.holds(&[".env"]);
        }
    }
}

#[test]
fn what_somebody_else_wrote_after_a_cut_off_edit_is_left_alone() {
    let folder = Folder::new();
    std::fs::write(&folder.file, "LOG=2\n").unwrap();
    let record = folder.leave_record(OLD, NEW);
    assert_eq!(*read(&folder.file).unwrap(), "LOG=2\n");
    let why = edit(&folder.file, park).unwrap_err();
    assert!(why.contains(record.to_str().unwrap()), "{why}");
    assert_eq!(unfinished(&folder.file), Some(why));
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), "LOG=2\n");
    std::fs::remove_file(record).unwrap();
    edit(&folder.file, park).unwrap();
}

#[test]
fn a_record_that_was_not_finished_is_dropped() {
    let folder = Folder::new();
    for cut in [0, 10, OLD.len() + NEW.len()] {
        let record = folder.leave_record(OLD, NEW);
        let whole = std::fs::read(&record).unwrap();
        std::fs::write(&record, &whole[..cut]).unwrap();
        assert!(folder.sweep().is_empty());
        folder.holds(&[".env"]);
    }
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), OLD);
}

#[test]
fn a_record_of_somebody_else_is_not_believed() {
    let folder = Folder::new();
    std::fs::write(&folder.file, &NEW[..NEW.len() - 1]).unwrap();
    let record = folder.leave_record(OLD, NEW);
    std::fs::set_permissions(&record, std::fs::Permissions::from_mode(0o620)).unwrap();
    assert_eq!(folder.sweep().len(), 1);
    assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), NEW[..NEW.len() - 1]);
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_lost() {
    for is_linked in [false, true] {
        let folder = Folder::new();
        if is_linked {
            std::fs::hard_link(&folder.file, folder.path("other")).unwrap();
        }
        let why = edit(&folder.file, |text| {
            std::fs::write(&folder.file, "KEY=theirs").unwrap();
            park(text)
        });
        assert!(why.unwrap_err().contains("was changed by somebody else meanwhile"));
        assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), "KEY=theirs");
        folder.holds(if is_linked { &[".env", "other"] } else { &[".env"] });
    }
}

#[test]
fn without_a_neighbour_there_is_no_edit() {
    let folder = Folder::new();
    // No name is left for one.
    let long = folder.path(&"x".repeat(240));
    std::fs::rename(&folder.file, &long).unwrap();
    for is_linked in [false, true] {
        if is_linked {
            std::fs::hard_link(&long, &folder.file).unwrap();
        }
        let why = edit(&long, park).unwrap_err();
        assert!(why.contains("no file can be made beside it"), "{why}");
        assert_eq!(std::fs::read_to_string(&long).unwrap(), OLD);
    }
    let folder = Folder::new();
    std::fs::set_permissions(&folder.file, std::fs::Permissions::from_mode(0o666)).unwrap();
    std::fs::set_permissions(folder.directory.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if let Some(told) = edited_by(&ANOTHER_USER, &folder.file) {
        assert!(told.contains("no file can be made beside it"), "{told}");
        assert_eq!(std::fs::read_to_string(&folder.file).unwrap(), OLD);
    }
}

#[test]
fn edits_through_all_names_of_a_file_all_land() {
    for is_linked in [false, true] {
        let folder = Folder::new();
        symlink(".env", folder.path("link")).unwrap();
        if is_linked {
            std::fs::hard_link(&folder.file, folder.path("other")).unwrap();
        }
        let (file, link) = (folder.file.clone(), folder.path("link"));
        std::thread::scope(|scope| {
            for number in 0..24 {
                let path = if number % 2 == 0 { &file } else { &link };
                scope.spawn(move || {
                    edit(path, |text| Ok(Zeroizing::new(format!("{text}\nLINE_{number}=1")))).unwrap();
                });
            }
        });
        let text = read(&folder.file).unwrap();
        for number in 0..24 {
            assert!(text.lines().any(|line| line == format!("LINE_{number}=1")), "{}", *text);
        }
    }
}

#[test]
fn a_large_edit_is_torn_by_pages() {
    let (old, new) = (vec![b'o'; 20_000], vec![b'n'; 15_000]);
    let record = in_place::decode(&in_place::encode(&old, &new)).unwrap();
    let standing = |now: &[u8]| in_place::standing(now, &record);
    let mut now = old.clone();
    now[4096..8192].fill(b'n');
    now[8192..9000].fill(b'n');
    assert_eq!(standing(&now), in_place::Standing::Torn);
    now[9001] = b'n';
    assert_eq!(standing(&now), in_place::Standing::Foreign);
    assert_eq!(standing(&old[..16_000]), in_place::Standing::Foreign);
    assert_eq!(standing(&old), in_place::Standing::Old);
    assert_eq!(standing(&new), in_place::Standing::New);
}
