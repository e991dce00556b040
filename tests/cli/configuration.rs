//! Where the configuration is looked for, and `check`.

use super::*;

#[test]
fn check_says_that_all_is_well() {
    let folder = folder(&[ACCOUNT, FEED]);
    assert_snapshot!(told(folder.path(), &["check"]), @r"
    exit 0
    --- stdout
    --- stderr
    tidings.toml: all is well, 1 feed, 0 routes
    ");
    assert_snapshot!(told(folder.path(), &["check", "--json"]), @r#"
    exit 0
    --- stdout
    {"feeds":1,"file":"tidings.toml","ok":true,"routes":0}
    --- stderr
    "#);
}

#[test]
fn check_says_what_is_wrong() {
    let folder = folder(&[ACCOUNT, ("feeds.d/a.toml", "[a]\nurl = \"example.org/feed\"\nevry = \"1h\"\n")]);
    assert_snapshot!(told(folder.path(), &["check"]), @r#"
    exit 78
    --- stdout
    --- stderr
    error: `url` is not a whole address
      --> feeds.d/a.toml:2:7
       |
     2 | url = "example.org/feed"
       |       ^^^^^^^^^^^^^^^^^^
       hint: write "https://example.org/feed"

    error: unknown key `evry` in feed `a`
      --> feeds.d/a.toml:3:1
       |
     3 | evry = "1h"
       | ^^^^
       hint: did you mean `every`?
    "#);
    assert_snapshot!(told(folder.path(), &["check", "--json"]), @r#"
    exit 78
    --- stdout
    {"errors":[{"column":7,"file":"feeds.d/a.toml","hint":"write \"https://example.org/feed\"","line":2,"message":"`url` is not a whole address"},{"column":1,"file":"feeds.d/a.toml","hint":"did you mean `every`?","line":3,"message":"unknown key `evry` in feed `a`"}],"ok":false}
    --- stderr
    "#);
    assert_snapshot!(told(folder.path(), &["check", "--print"]), @r#"
    exit 78
    --- stdout
    --- stderr
    error: `url` is not a whole address
      --> feeds.d/a.toml:2:7
       |
     2 | url = "example.org/feed"
       |       ^^^^^^^^^^^^^^^^^^
       hint: write "https://example.org/feed"

    error: unknown key `evry` in feed `a`
      --> feeds.d/a.toml:3:1
       |
     3 | evry = "1h"
       | ^^^^
       hint: did you mean `every`?
    "#);
}

#[test]
fn the_configuration_is_named_by_option_or_variable() {
    let folder = folder(&[("other.toml", ACCOUNT.1)]);
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(78));
    assert_eq!(run(folder.path(), &["--config", "other.toml", "check"]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["check", "--config", "other.toml"]).status.code(), Some(0));
    let status = tidings(folder.path(), &["check"]).env("TIDINGS_CONFIG", "other.toml").output().unwrap().status;
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_a_configuration_each_place_is_named() {
    for verb in ["check", "run", "once", "status"] {
        let told = told(folder(&[]).path(), &[verb]);
        assert!(told.starts_with("exit 78\n--- stdout\n--- stderr\nerror: there is no configuration\n"), "{told}");
    }
}

#[test]
fn following_needs_an_account() {
    let folder = folder(&[]);
    assert!(told(folder.path(), &["follow", "pubsub.example.org", "x"]).starts_with("exit 78"));
    assert!(told(folder.path(), &["follow", "pubsub.example.org", "x", "--jid", "a@b"]).starts_with("exit 64"));
    let missing = ["follow", "pubsub.example.org", "x", "--jid", "a@example.org", "--password-file", "missing"];
    assert_snapshot!(told(folder.path(), &missing), @r"
    exit 78
    --- stdout
    --- stderr
    error: cannot read the password from missing: No such file or directory (os error 2)
    hint: the password is the first line of the file; whoever runs tidings must be able to read it
    ");
}
