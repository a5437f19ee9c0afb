//! Every bound of the program in one place, each with its reason.

use std::time::Duration;

/// Largest configuration file, in bytes. Parsing costs about 25 bytes of memory a byte of text.
pub const CONFIG_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most configuration files in one directory; more is a mistake such as a wrong `-chdir`.
pub const CONFIG_FILES_MAX: usize = 1_000;

/// Most keys in one object literal. The parser compares each key with all before it, so 100 000
/// keys would take more than a minute.
pub const OBJECT_KEYS_MAX: usize = 5_000;

/// Deepest nesting of values and expressions. The parser itself stops at 64 levels.
pub const NESTING_MAX: usize = 64;

/// Most digits of a number before its point, and behind it. Terraform has no such bound, but a short
/// text such as `1e999999999` would fill the memory; the longest ids have fewer than a hundred.
pub const NUMBER_DIGITS_MAX: u32 = 4_096;

/// Digits of a quotient that never ends: those of the 512 bits that Terraform computes with.
pub const QUOTIENT_DIGITS: u32 = 155;

/// Deepest nesting of a JSON text that `jsondecode` reads; each level takes stack.
pub const JSON_DEPTH_MAX: usize = 127;

/// Longest object name that the API takes, in characters (documented: 1 to 255, `^[a-z0-9-]+$`).
pub const NAME_CHARS_MAX: usize = 255;

/// Longest description that the API takes, in characters (documented).
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// Longest subject prefix or audience that the API takes, in characters (documented).
pub const MATCHER_CHARS_MAX: usize = 1_024;

/// Longest CEL condition that the API takes, in characters (documented).
pub const CONDITION_CHARS_MAX: usize = 4_096;

/// Stack of the thread that parses and runs conditions, in bytes. The parser recurses for each
/// operator, so that a condition of full length needs more than the usual 2 MiB.
pub const CONDITION_STACK_BYTES: usize = 16 * 1024 * 1024;

/// Most alternatives that a condition is taken apart into. Each `&&` between alternatives
/// multiplies their number, so that a short condition could have millions.
pub const CONDITION_BRANCHES_MAX: usize = 64;

/// Shortest and longest life of a minted token, in seconds (documented).
pub const TOKEN_LIFETIME_SECONDS: std::ops::RangeInclusive<i64> = 60..=86_400;

/// Shortest and longest permitted life of an identity token, in seconds (documented: 49 hours).
pub const JWT_LIFETIME_SECONDS: std::ops::RangeInclusive<i64> = 1..=176_400;

/// Largest identity token that the API takes, in bytes (documented: 16 KiB).
pub const IDENTITY_TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Largest answer of the API or of an issuer that is read, in bytes. A full page of 1 000 objects
/// is well below this; anything larger is not the API.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Largest body of a refusal that is read, in bytes. The API's have a few hundred; what a proxy puts
/// in their place is of no use to anybody.
pub const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;

/// Largest page of the endpoints that page by cursor (documented: 1 to 100).
pub const PAGE_SIZE_CURSOR: u32 = 100;

/// Largest page of the endpoints that page by id (documented: 1 to 1 000).
pub const PAGE_SIZE_WINDOW: u32 = 1_000;

/// Largest page of the usage report in buckets of an hour (documented: 1 to 168, a week).
pub const PAGE_SIZE_REPORT: u32 = 168;

/// Largest page of the newer usage report, in rows (documented: 1 to 1 000).
pub const PAGE_SIZE_ROWS: u32 = 1_000;

/// Page of the Activity Feed, in entries. Documented are up to 5 000, but an entry holds all claims
/// of an identity token, so that such a page could be larger than any answer that is read.
pub const PAGE_SIZE_FEED: u32 = 1_000;

/// Most pages of the Activity Feed that are read in one look. It is read from its newest entry
/// backwards, and what is older than these adds nothing that a decision needs.
pub const FEED_PAGES_MAX: usize = 20;

/// How far back the Activity Feed is asked who changed an object, in seconds: a month, so that what
/// happened since the last look of a team that looks rarely is found.
pub const FEED_CHANGES_SECONDS: i64 = 30 * 24 * 3_600;

/// How often a list is read again from its first page because it changed while it was read.
pub const LIST_RESTARTS_MAX: u32 = 3;

/// Most times that a create is sent whose answer was lost; each time after the first comes after a
/// look for its unique name.
pub const CREATE_TRIES_MAX: u32 = 3;

/// How long after its change a key's status may be shown as it was before.
pub const STATUS_LATE_MAX: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// How long a look at what a workload will live off counts for the steps that take its key away. Long
/// enough that lanes which stand on the same rule share one look; what is changed by hand within it
/// would have come a moment after the key was gone just as well.
pub const LOOK_COUNTS: Duration = Duration::from_secs(30);

/// Most objects that are read one by one before a key is taken away. More are read by listing all.
pub const READ_SINGLY_MAX: usize = 5;

/// How often a recorded object that no list shows is looked for again by its id before it is
/// held back. With the usual waits that takes 15 seconds.
pub const MISSING_TRIES_MAX: u32 = 5;

/// How long an object counts as just made, so that a call that does not find it is made again.
pub const FRESH: Duration = Duration::from_secs(60);

/// How often a call is made again that does not find what was just made. With the usual waits that
/// takes 15 seconds.
pub const FRESH_TRIES_MAX: u32 = 5;

/// How much older than its announcement an object may be and still count as made by it: the times
/// come from different clocks of the API, and one has whole seconds.
pub const CREATED_EARLIER_MAX: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// How long a create whose answer was lost stays in doubt while no list shows its object. No lag of
/// the API's lists is known; this is far above any that a service like it would have.
pub const CREATE_DOUBT_MAX: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Largest discovery document or key set of an issuer, in bytes. Real ones have a few kilobytes.
pub const ISSUER_DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Most keys in one key set; more is no key set but an attempt to keep us busy.
pub const ISSUER_KEYS_MAX: usize = 500;

/// Most pages of one list; a list that does not end is a fault of the server.
pub const PAGES_MAX: usize = 10_000;

/// Most that all pages of one list may have together, in bytes. An hour of use takes some 300 bytes for
/// each key: ten thousand keys over three days are well below this, as objects in memory some times that.
pub const LIST_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Most pages without an object in a row. A filter may leave some empty; a hundred are a server that
/// does not come to an end.
pub const EMPTY_PAGES_MAX: usize = 100;

/// Most pages of a list of a store. Each has a hundred entries or more, and no store takes as many
/// secrets or versions in one place.
pub const STORE_PAGES_MAX: usize = 1_000;

/// Time for a whole call, reading the body included. The vendor's SDKs give an exchange 30 s.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a configuration may give as the time for a whole call. Below it nothing gets through; the
/// API itself ends a call after 10 minutes.
pub const CALL_TIMEOUT_GIVEN: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(600);

/// Wait before a call is made again for the first time; it doubles up to sixteen times that: what the
/// vendor's SDKs do.
pub const RETRY_WAIT: Duration = Duration::from_millis(500);

/// What a configuration may give as that wait.
pub const RETRY_WAIT_GIVEN: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(30);

/// Time to connect.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Most tries of a call that is safe to repeat.
pub const CALL_TRIES_MAX: u32 = 5;

/// Longest that one call waits in all because the server asks for it. A quota of a minute, of which
/// none is published for these endpoints, is outlasted; a run in CI does not hang for hours.
pub const RETRY_PATIENCE: Duration = Duration::from_secs(600);

/// Waits from here on are told to the user, so that no run looks as if it hung.
pub const RETRY_TOLD: Duration = Duration::from_secs(5);

/// Longest wait that a store of secrets may ask for; one that asks for more is reported instead.
pub const STORE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Longest pause that is made of one's own accord because a quota is used up.
pub const QUOTA_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Calls in flight when the user gives no `-parallelism`; Terraform's default.
pub const PARALLELISM_DEFAULT: usize = 10;

/// Most calls in flight. No figure is published for the management endpoints.
pub const PARALLELISM_MAX: usize = 64;

/// How old an accepted exchange may be when a key is disabled, in seconds. Long enough for a
/// review, short enough that a rule broken yesterday is noticed.
pub const EXCHANGE_FRESH_SECONDS: i64 = 24 * 3_600;

/// How far the usage report lags where it does not say itself until when it is complete, in seconds.
/// Documented as normally within 5 minutes and
/// sometimes more, so twice that is allowed for.
pub const USAGE_DELAY_SECONDS: i64 = 600;

/// Shortest and longest quiet period of a key. Usage is reported in buckets of an hour, so that a
/// shorter silence proves nothing; what runs once a year is quiet for a year.
pub const QUIET_PERIOD: std::ops::RangeInclusive<jiff::SignedDuration> =
    jiff::SignedDuration::from_hours(1)..=jiff::SignedDuration::from_hours(366 * 24);

/// Shortest and longest time that a key stays inactive before its archive. None at all is a choice,
/// as a person approves each archive; ten years are no plan any more.
pub const ARCHIVE_AFTER: std::ops::RangeInclusive<jiff::SignedDuration> =
    jiff::SignedDuration::ZERO..=jiff::SignedDuration::from_hours(3_660 * 24);

/// Quiet period of a key when the configuration names none, in seconds: three days, so that a
/// nightly job and a weekend run are both seen.
pub const QUIET_PERIOD_DEFAULT_SECONDS: i64 = 72 * 3_600;

/// Clocks of the API and of this machine count as equal up to this difference: the header `date`
/// has whole seconds, and an answer takes its time.
pub const CLOCKS_EQUAL: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// A larger difference of the clocks is told: evidence is dated by the API's.
pub const CLOCKS_TOLD: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Clock difference that is tolerated in signed statements, in seconds (documented for exchanges).
pub const CLOCK_LEEWAY_SECONDS: u64 = 30;

/// Time for a command of a `command` consumer.
pub const CONSUMER_COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Most that is read of what a program prints, in bytes. A word, a token or a certificate is expected;
/// a program that prints without end would fill the memory.
pub const CHILD_OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

/// How long a program and what it started may go on after SIGTERM, before they are killed: time to
/// remove a lock or a temporary file.
pub const CHILD_END_WAIT: Duration = Duration::from_secs(5);

/// The same when keyless itself is to stop at once.
pub const CHILD_END_AT_ONCE: Duration = Duration::from_millis(300);

/// How long the end of a program's output is waited for after the program has ended. What it printed
/// is there already; only something in the background that holds the pipe open makes a difference.
pub const CHILD_OUTPUT_WAIT: Duration = Duration::from_secs(1);

/// Largest file that a `dotenv` consumer may be, in bytes.
pub const DOTENV_BYTES_MAX: u64 = 1024 * 1024;

/// How long an edit waits for another program that has locked the same file. Those of keyless take
/// milliseconds; waiting for good would look as if it hung.
pub const FILE_LOCK_WAIT: Duration = Duration::from_secs(30);

/// Most weight of one value while expressions are evaluated: about the bytes of memory that a copy
/// of it would take. Doubling a text in each of forty locals would fill any memory otherwise.
pub const VALUE_WEIGHT_MAX: u64 = 16 * 1024 * 1024;

/// Most steps of one evaluation of a configuration. Nested `for` expressions over `range` would run
/// for years otherwise; 10 000 blocks of 20 arguments need about a million.
pub const EVALUATION_STEPS_MAX: u64 = 10_000_000;

/// Most elements that `range` makes; Terraform's bound.
pub const RANGE_ELEMENTS_MAX: usize = 1_024;

/// Widest field and highest precision in `format`, in characters.
pub const FORMAT_WIDTH_MAX: usize = 10_000;

/// Longest private CA of an issuer, in characters (documented).
pub const CA_CERT_CHARS_MAX: usize = 8_192;

/// Largest file of a profile of the vendor's clients, in bytes. Real ones have about one kilobyte.
pub const PROFILE_FILE_BYTES_MAX: u64 = 256 * 1024;

/// Largest credential report, in bytes. It holds one identity token and a few words.
pub const REPORT_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Largest saved plan, in bytes. One of ten thousand lanes has a few tens of megabytes.
pub const PLAN_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Largest file of certificate authorities, in bytes. That of a whole system has a quarter of a megabyte.
pub const CA_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Largest file of described credential sources that `doctor` is given, in bytes: some ten thousand lines.
pub const SOURCES_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Largest file with the name of this machine, in bytes. Linux allows a name of 64.
pub const HOST_NAME_FILE_BYTES_MAX: u64 = 4 * 1024;

/// Largest description of this process below `/proc`, in bytes. Linux writes one or two thousand.
pub const PROCESS_STATUS_BYTES_MAX: u64 = 64 * 1024;

/// Largest profile, credentials, settings or shell file that `doctor` or the
/// driver of a store reads, in bytes. Claude Code's
/// own state file can have several hundred kilobytes; nothing else comes near.
pub const CREDENTIAL_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How long a person's word that nothing lives off an object counts: for the occasion it was given for,
/// and a week in which the plan is reviewed.
pub const RETIREMENT_COUNTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// How long use of a service account by somebody unknown holds what it stands on: a weekly job.
pub const UNRECORDED_USE_COUNTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(8 * 24);

/// How long a workload may not have shown an identity that still counts as its own: a monthly job.
pub const IDENTITY_COUNTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// How long a sign counts that a workload's settings name a rule: they stay as they are, and a monthly job
/// reports once a month.
pub const RULE_KNOWN_COUNTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(31 * 24);

/// How long a workload that reports is not missed: a job that runs once a month.
pub const REPORT_MISSED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// How often it is recorded anew that an identity was seen.
pub const IDENTITY_RENEWED: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Most identities that are remembered of one workload, the newest. A rule per branch would be more.
pub const IDENTITIES_MAX: usize = 100;
