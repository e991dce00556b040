//! Broken configurations, and every word that an operator reads about them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use proptest::prelude::*;
use tidings::config::Config;

use super::{ACCOUNT, folder, shown};

/// What is said of a configuration that must not load.
fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let errors = Config::load(Some(&folder.path().join("tidings.toml"))).expect_err("it must not load");
    errors.to_string().replace(&shown(folder.path().to_owned()), "")
}

fn main_file(text: &str) -> String {
    refused(&[("tidings.toml", text)])
}

/// The main file is a good one, but for what is added to it.
fn with_account(text: &str) -> String {
    main_file(&format!("{ACCOUNT}{text}"))
}

fn feeds(text: &str) -> String {
    refused(&[("tidings.toml", ACCOUNT), ("feeds.d/a.toml", text)])
}

/// One feed with the keys given.
fn feed(keys: &str) -> String {
    feeds(&format!("[a]\nurl = \"https://example.org/\"\n{keys}\n"))
}

#[test]
fn an_empty_file_has_no_account() {
    let said = main_file("");
    assert_snapshot!(said, @r#"
    error: there is no [xmpp] section
     --> tidings.toml
      hint: [xmpp]
            jid = "feeds@example.org"
            password-file = "password"
    "#);
}

#[test]
fn a_missing_file_is_named() {
    let said = refused(&[]);
    assert_snapshot!(said, @r"
    error: cannot be read: No such file or directory (os error 2)
     --> tidings.toml
      hint: `tidings init` writes a first one; --config FILE names another
    ");
}

#[test]
fn an_account_without_a_jid_cannot_publish() {
    let said = main_file("[xmpp]\npassword-file = \"password\"\n");
    assert_snapshot!(said, @r#"
    error: [xmpp] has no `jid`
      --> tidings.toml:1:1
       |
     1 | [xmpp]
       | ^^^^^^
       hint: the account that publishes: jid = "feeds@example.org"
    "#);
}

#[test]
fn a_jid_with_a_resource_is_cut() {
    let said = main_file("[xmpp]\njid = \"feeds@example.org/bot\"\n");
    assert_snapshot!(said, @r#"
    error: `jid` has a resource
      --> tidings.toml:2:7
       |
     2 | jid = "feeds@example.org/bot"
       |       ^^^^^^^^^^^^^^^^^^^^^^^
       hint: write "feeds@example.org"
    "#);
}

#[test]
fn a_server_is_not_an_account() {
    let said = main_file("[xmpp]\njid = \"example.org\"\n");
    assert_snapshot!(said, @r#"
    error: `jid` has no part before an `@`
      --> tidings.toml:2:7
       |
     2 | jid = "example.org"
       |       ^^^^^^^^^^^^^
       hint: an address looks like "feeds@example.org"
    "#);
}

#[test]
fn a_jid_that_is_none_says_why() {
    let said = main_file("[xmpp]\njid = \"feeds@@example.org\"\n");
    assert_snapshot!(said, @r#"
    error: `jid` is not an XMPP address: second @ found before parsing the resource
      --> tidings.toml:2:7
       |
     2 | jid = "feeds@@example.org"
       |       ^^^^^^^^^^^^^^^^^^^^
       hint: an address looks like "feeds@example.org"
    "#);
}

#[test]
fn every_syntax_error_of_a_file_is_told_and_no_other_error() {
    let said = main_file("[xmpp]\njid = \"feeds@example.org\nevry = 1\nx = [1,\n");
    assert_snapshot!(said, @r#"
    error: not TOML: invalid basic string, expected `"`
      --> tidings.toml:2:25
       |
     2 | jid = "feeds@example.org
       |                         ^
       hint: a text ends, in the same line, with the quote that it began with

    error: not TOML: unclosed array, expected `]`
      --> tidings.toml:4:8
       |
     4 | x = [1,
       |        ^
       hint: a list looks like ["one", "two"]
    "#);
}

#[test]
fn a_key_that_stands_twice_is_a_syntax_error() {
    let said = with_account("jid = \"other@example.org\"\n");
    assert_snapshot!(said, @r#"
    error: not TOML: this is there twice
      --> tidings.toml:3:1
       |
     3 | jid = "other@example.org"
       | ^^^
       hint: it stands above already: keep one of them
    "#);
}

#[test]
fn an_unknown_key_suggests_the_nearest_one() {
    let said = with_account("pasword-file = \"pw\"\n[defaults]\nmax_items = 5\n[http]\ncontct = \"x\"\n");
    assert_snapshot!(said, @r#"
    error: unknown key `pasword-file` in [xmpp]
      --> tidings.toml:3:1
       |
     3 | pasword-file = ***
       | ^^^^^^^^^^^^
       hint: did you mean `password-file`?

    error: unknown key `max_items` in [defaults]
      --> tidings.toml:5:1
       |
     5 | max_items = 5
       | ^^^^^^^^^
       hint: did you mean `max-items`?

    error: unknown key `contct` in [http]
      --> tidings.toml:7:1
       |
     7 | contct = "x"
       | ^^^^^^
       hint: did you mean `contact`?
    "#);
}

#[test]
fn an_unknown_key_that_is_near_to_nothing_is_told_what_there_is() {
    let said = with_account("[http]\nretries = 3\n");
    assert_snapshot!(said, @r"
    error: unknown key `retries` in [http]
      --> tidings.toml:4:1
       |
     4 | retries = 3
       | ^^^^^^^
       hint: [http] knows: contact, proxy, host-interval, per-host, concurrency, allow-file
    ");
}

#[test]
fn an_unknown_section_suggests_the_nearest_one() {
    let said = with_account("[default]\nevery = \"1h\"\n");
    assert_snapshot!(said, @r"
    error: unknown key `default` in tidings.toml
      --> tidings.toml:3:2
       |
     3 | [default]
       |  ^^^^^^^
       hint: did you mean `defaults`?
    ");
}

#[test]
fn a_feed_in_the_main_file_is_sent_away() {
    let said = with_account("[my-blog]\nurl = \"https://example.org/\"\n");
    assert_snapshot!(said, @r"
    error: `my-blog` is a feed, and feeds stand in feeds.d
      --> tidings.toml:3:2
       |
     3 | [my-blog]
       |  ^^^^^^^
       hint: move it into feeds.d/feeds.toml beside this file
    ");
}

#[test]
fn a_place_to_listen_has_a_port_or_a_path() {
    assert_snapshot!(with_account("[web]\nlisten = \"127.0.0.1\"\n"), @r#"
    error: `listen` is no address with a port, and no `unix:` with a path
      --> tidings.toml:4:10
       |
     4 | listen = "127.0.0.1"
       |          ^^^^^^^^^^^
       hint: "127.0.0.1:9117", "[::1]:9117" or "unix:/run/tidings/web.sock"
    "#);
}

#[test]
fn what_a_later_release_builds_is_refused_by_name() {
    let said = with_account("component = \"news.example.org\"\n");
    assert_snapshot!(said, @r#"
    error: `component` is not in this release
      --> tidings.toml:3:1
       |
     3 | component = "news.example.org"
       | ^^^^^^^^^
       hint: leave it out for now
    "#);
}

#[test]
fn no_tls_is_for_loopback_only() {
    let said = with_account("server = \"xmpp.example.org:5222\"\ntls = \"none\"\n");
    assert_snapshot!(said, @r#"
    error: `tls = "none"` is for a `server` on a loopback address only
      --> tidings.toml:4:7
       |
     4 | tls = "none"
       |       ^^^^^^
       hint: set server = "127.0.0.1" when it runs on this machine; else leave `tls` out
    "#);
}

#[test]
fn a_mistyped_choice_suggests_the_nearest_one() {
    let said = with_account("tls = \"start-tls\"\n[defaults]\naccess = \"private\"\non-update = true\n");
    assert_snapshot!(said, @r#"
    error: `tls` is "starttls", "direct" or "none"
      --> tidings.toml:3:7
       |
     3 | tls = "start-tls"
       |       ^^^^^^^^^^^
       hint: did you mean "starttls"?

    error: `access` is "open", "whitelist" or "presence"
      --> tidings.toml:5:10
       |
     5 | access = "private"
       |          ^^^^^^^^^
       hint: such as access = "open"

    error: `on-update` is "publish" or "ignore", not true or false
      --> tidings.toml:6:13
       |
     6 | on-update = true
       |             ^^^^
       hint: such as on-update = "publish"
    "#);
}

#[test]
fn two_passwords_are_one_too_many_and_none_is_shown() {
    let said = with_account("password = \"hunter2\"\npassword-file = \"pw\"\n");
    assert_snapshot!(said, @r"
    error: both `password` and `password-file` are set
      --> tidings.toml:3:12
       |
     3 | password = ***
       |            ^^^
       hint: keep one of them
    ");
}

#[test]
fn a_mistyped_password_is_not_shown_either() {
    let said = with_account("passwort = \"hunter2\"\n");
    assert_snapshot!(said, @r"
    error: unknown key `passwort` in [xmpp]
      --> tidings.toml:3:1
       |
     3 | passwort = ***
       | ^^^^^^^^
       hint: did you mean `password`?
    ");
}

#[test]
fn a_password_in_a_broken_line_is_not_shown() {
    let said = with_account("password = \"hunter2\n");
    assert_snapshot!(said, @r#"
    error: not TOML: invalid basic string, expected `"`
      --> tidings.toml:3:20
       |
     3 | password = ***
       |               ^
       hint: a text ends, in the same line, with the quote that it began with
    "#);
}

#[test]
fn a_time_has_a_unit() {
    let said = with_account("[defaults]\nevery = 30\nold-after = \"30 fortnights\"\ncool-down = \"\"\n");
    assert_snapshot!(said, @r#"
    error: `every` is a time such as "30m", not a number
      --> tidings.toml:4:9
       |
     4 | every = 30
       |         ^^
       hint: write "30m" for minutes

    error: `old-after` is a time such as "30m", not `30 fortnights`
      --> tidings.toml:5:13
       |
     5 | old-after = "30 fortnights"
       |             ^^^^^^^^^^^^^^^
       hint: a number and a unit: ms, s, m, h, d, w; "1h30m" is possible

    error: `cool-down` is a time such as "30m", not ``
      --> tidings.toml:6:13
       |
     6 | cool-down = ""
       |             ^^
       hint: a number and a unit: ms, s, m, h, d, w; "1h30m" is possible
    "#);
}

#[test]
fn a_time_zone_suggests_the_nearest_one() {
    let said = with_account("[defaults]\ntimezone = \"Europe/Belrin\"\n");
    assert_snapshot!(said, @r#"
    error: `Europe/Belrin` is not a time zone
      --> tidings.toml:4:12
       |
     4 | timezone = "Europe/Belrin"
       |            ^^^^^^^^^^^^^^^
       hint: did you mean "Europe/Berlin"?
    "#);
}

#[test]
fn a_template_says_what_it_can_hold() {
    let said = with_account("[defaults]\nnode = \"news/{fed}\"\ntitle = \"{title\"\n");
    assert_snapshot!(said, @r#"
    error: `node` has no value for `{fed}`
      --> tidings.toml:4:8
       |
     4 | node = "news/{fed}"
       |        ^^^^^^^^^^^^
       hint: did you mean {feed}?

    error: `title`: a `{` is never closed
      --> tidings.toml:5:9
       |
     5 | title = "{title"
       |         ^^^^^^^^
       hint: what can stand there: {title} {feed}
    "#);
}

#[test]
fn a_proxy_and_a_contact_are_checked() {
    let said = with_account("[http]\nproxy = \"ftp://proxy.example.org\"\ncontact = \"ask (me)\"\nper-host = 0\n");
    assert_snapshot!(said, @r#"
    error: no such kind of proxy
      --> tidings.toml:4:9
       |
     4 | proxy = "ftp://proxy.example.org"
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: http://…, https://…, socks5://… and socks5h://… are known

    error: `contact` cannot stand in a User-Agent
      --> tidings.toml:5:11
       |
     5 | contact = "ask (me)"
       |           ^^^^^^^^^^
       hint: a web address or a mail address, in ASCII and without spaces

    error: `per-host` is a whole number, 1 or more
      --> tidings.toml:6:12
       |
     6 | per-host = 0
       |            ^
       hint: such as per-host = 1
    "#);
}

#[test]
fn a_home_folder_is_written_out() {
    let said = with_account("[store]\npath = \"~/state.redb\"\n");
    assert_snapshot!(said, @r#"
    error: `path` begins with `~`
      --> tidings.toml:4:8
       |
     4 | path = "~/state.redb"
       |        ^^^^^^^^^^^^^^
       hint: write the whole path, or one relative to this file
    "#);
}

#[test]
fn a_route_goes_somewhere_and_matches_something() {
    let said = with_account(
        "[[route]]\nmatch = { titel = 'x' }\n[[route]]\nmatch = { any = [] }\nto = [{ node = \"{categorie}\" }]\n[route-2]\n",
    );
    assert_snapshot!(said, @r#"
    error: the route has no `to`
      --> tidings.toml:3:1
       |
     3 | [[route]]
       | ^^^^^^^^^
       hint: to = [{ node = "my-node" }]

    error: unknown key `titel` in a match
      --> tidings.toml:4:11
       |
     4 | match = { titel = 'x' }
       |           ^^^^^
       hint: did you mean `title`?

    error: `any` of nothing
      --> tidings.toml:6:17
       |
     6 | match = { any = [] }
       |                 ^^
       hint: name one match at least

    error: `node` has no value for `{categorie}`
      --> tidings.toml:7:16
       |
     7 | to = [{ node = "{categorie}" }]
       |                ^^^^^^^^^^^^^
       hint: did you mean {category}?

    error: unknown key `route-2` in tidings.toml
      --> tidings.toml:8:2
       |
     8 | [route-2]
       |  ^^^^^^^
       hint: did you mean `route`?
    "#);
}

#[test]
fn a_route_is_a_list() {
    let said = with_account("[route]\nto = [{ node = \"x\" }]\n");
    assert_snapshot!(said, @r"
    error: a route is written with two brackets
      --> tidings.toml:3:1
       |
     3 | [route]
       | ^^^^^^^
       hint: [[route]]
    ");
}

#[test]
fn what_a_route_cannot_do_yet_is_said() {
    let said =
        with_account("[[route]]\nto = [{ node = \"{tag}\", max-items = 5 }, { node = \"all\", backfill = 5 }]\n");
    assert_snapshot!(said, @r#"
    error: nodes that a template makes have the settings of [defaults]
      --> tidings.toml:4:6
       |
     4 | to = [{ node = "{tag}", max-items = 5 }, { node = "all", backfill = 5 }]
       |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: take them out; on a service that is not the default one create = true is needed

    error: `backfill` in a route is not in this release
      --> tidings.toml:4:6
       |
     4 | to = [{ node = "{tag}", max-items = 5 }, { node = "all", backfill = 5 }]
       |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: a route takes what comes from now on; put the node into the `to` of its feeds for their older
             entries
    "#);
}

#[test]
fn a_key_outside_a_table_belongs_to_no_feed() {
    let said = feeds("every = \"1h\"\n");
    assert_snapshot!(said, @r#"
    error: `every` stands outside a feed's table
      --> feeds.d/a.toml:1:1
       |
     1 | every = "1h"
       | ^^^^^
       hint: a feed begins with its name in square brackets: [my-blog]
    "#);
}

#[test]
fn a_feed_without_an_address_cannot_be_polled() {
    let said = feeds("[a]\nevery = \"1h\"\n");
    assert_snapshot!(said, @r#"
    error: feed `a` has no `url`
      --> feeds.d/a.toml:1:2
       |
     1 | [a]
       |  ^
       hint: url = "https://…"
    "#);
}

#[test]
fn an_id_is_checked() {
    let said = feeds("[My-Blog]\nurl = \"https://example.org/\"\n");
    assert_snapshot!(said, @r#"
    error: a feed's id is 1 to 63 characters of a-z, 0-9, '.', '_', '-', the first one a letter or digit; "My-Blog" is not
      --> feeds.d/a.toml:1:2
       |
     1 | [My-Blog]
       |  ^^^^^^^
       hint: such as [my-blog]
    "#);
}

#[test]
fn an_address_without_a_scheme_is_completed() {
    let said = feeds("[a]\nurl = \"example.org/feed\"\n");
    assert_snapshot!(said, @r#"
    error: `url` is not a whole address
      --> feeds.d/a.toml:2:7
       |
     2 | url = "example.org/feed"
       |       ^^^^^^^^^^^^^^^^^^
       hint: write "https://example.org/feed"
    "#);
}

#[test]
fn an_address_of_another_scheme_is_not_polled() {
    let said = feeds(
        "[a]\nurl = \"feed://example.org/x\"\n[b]\nurl = \"gopher://example.org/\"\n[c]\nurl = \"file:///srv/feed.xml\"\n",
    );
    assert_snapshot!(said, @r#"
    error: `feed:` is no scheme to poll
      --> feeds.d/a.toml:2:7
       |
     2 | url = "feed://example.org/x"
       |       ^^^^^^^^^^^^^^^^^^^^^^
       hint: write "https://example.org/x"

    error: `gopher:` is no scheme to poll
      --> feeds.d/a.toml:4:7
       |
     4 | url = "gopher://example.org/"
       |       ^^^^^^^^^^^^^^^^^^^^^^^
       hint: http and https are

    error: files are not read
      --> feeds.d/a.toml:6:7
       |
     6 | url = "file:///srv/feed.xml"
       |       ^^^^^^^^^^^^^^^^^^^^^^
       hint: allow-file = true in [http] of tidings.toml allows it
    "#);
}

#[test]
fn an_address_with_a_password_is_refused_unseen() {
    let said = feeds("[a]\nurl = \"https://me:hunter2@example.org/feed\"\n");
    assert_snapshot!(said, @r"
    error: the address holds a user's name or password
      --> feeds.d/a.toml:2:7
       |
     2 | url = ***
       |       ^^^
       hint: take it out, and set `user` and `password-file`
    ");
}

#[test]
fn an_interval_under_five_minutes_is_for_feeds_of_ones_own() {
    let said = feed("every = \"1m\"");
    assert_snapshot!(said, @r#"
    error: the feed is polled more than once in 5 minutes
      --> feeds.d/a.toml:3:9
       |
     3 | every = "1m"
       |         ^^^^
       hint: own = true allows it for a host of your own
    "#);
}

#[test]
fn a_feed_has_one_schedule() {
    let said = feed("every = \"1h\"\ncron = \"0 8 * * *\"");
    assert_snapshot!(said, @r#"
    error: both `every` and `cron` are set
      --> feeds.d/a.toml:4:8
       |
     4 | cron = "0 8 * * *"
       |        ^^^^^^^^^^^
       hint: keep one of them
    "#);
}

#[test]
fn a_schedule_is_read_as_a_crontab_reads_it() {
    let said = feed("cron = \"0 8 * *\"") + "\n" + &feed("cron = \"0 0 30 2 *\"");
    assert_snapshot!(said, @r#"
    error: a schedule has five fields (minute hour day month weekday), or six with the second first; "0 8 * *" has 4
      --> feeds.d/a.toml:3:8
       |
     3 | cron = "0 8 * *"
       |        ^^^^^^^^^
       hint: minute, hour, day, month, weekday, such as cron = "30 8 * * mon"

    error: "0 0 30 2 *" never comes
      --> feeds.d/a.toml:3:8
       |
     3 | cron = "0 0 30 2 *"
       |        ^^^^^^^^^^^^
       hint: minute, hour, day, month, weekday, such as cron = "30 8 * * mon"
    "#);
}

#[test]
fn a_user_has_a_password_file() {
    let said = feed("user = \"me\"\npassword = \"hunter2\"");
    assert_snapshot!(said, @r#"
    error: `user` without `password-file`
      --> feeds.d/a.toml:3:8
       |
     3 | user = "me"
       |        ^^^^
       hint: name the file that holds the password

    error: `password` is not kept in a feed
      --> feeds.d/a.toml:4:1
       |
     4 | password = ***
       | ^^^^^^^^
       hint: name a file that holds it: password-file
    "#);
}

#[test]
fn headers_are_checked_and_their_values_never_shown() {
    let said = feed(
        "headers = { Host = \"hunter2\", \"X Y\" = \"hunter2\", User-Agent = \"hunter2\", X = 5, Y = \"hunter2 ü\" }",
    );
    assert_snapshot!(said, @r#"
    error: `Host` is set by the poller
      --> feeds.d/a.toml:3:13
       |
     3 | headers = { Host = ***, "X Y" = ***, User-Agent = ***, X = ***, Y = *** }
       |             ^^^^
       hint: leave it out

    error: `X Y` is not the name of a header
      --> feeds.d/a.toml:3:31
       |
     3 | headers = { Host = ***, "X Y" = ***, User-Agent = ***, X = ***, Y = *** }
       |                         ^^^^^
       hint: such as X-Token, without spaces

    error: `User-Agent` is always the same
      --> feeds.d/a.toml:3:50
       |
     3 | headers = { Host = ***, "X Y" = ***, User-Agent = ***, X = ***, Y = *** }
       |                                      ^^^^^^^^^^
       hint: set `contact` in [http] of tidings.toml

    error: `X` is a text in quotes
      --> feeds.d/a.toml:3:74
       |
     3 | headers = { Host = ***, "X Y" = ***, User-Agent = ***, X = ***, Y = *** }
       |                                                        ^
       hint: put it in double quotes

    error: `Y` holds a character that no header may hold
      --> feeds.d/a.toml:3:81
       |
     3 | headers = { Host = ***, "X Y" = ***, User-Agent = ***, X = ***, Y = *** }
       |                                                                 ^
       hint: ASCII on one line
    "#);
}

#[test]
fn a_pattern_stands_in_single_quotes() {
    let said = feed("filter = [{ drop = { title = \"\\bjobs\" } }]\nitem-id = \"tidings\"") + &feed("title = \"\\d\"");
    assert_snapshot!(said, @r#"
    error: `title` holds a control character
      --> feeds.d/a.toml:3:30
       |
     3 | filter = [{ drop = { title = "\bjobs" } }]
       |                              ^^^^^^^^
       hint: in single quotes a backslash is itself
    error: not TOML: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\`, `"`, `x`, `u`, `U`
      --> feeds.d/a.toml:3:11
       |
     3 | title = "\d"
       |           ^
       hint: in single quotes a backslash is itself
    "#);
}

#[test]
fn a_filter_keeps_or_drops() {
    let said = feed("filter = [{ keep = {}, drop = {} }, {}, { drop = { title = '(x' } }]");
    assert_snapshot!(said, @r"
    error: a filter has one of `keep` and `drop`
      --> feeds.d/a.toml:3:11
       |
     3 | filter = [{ keep = {}, drop = {} }, {}, { drop = { title = '(x' } }]
       |           ^^^^^^^^^^^^^^^^^^^^^^^^
       hint: filter = [{ drop = { title = '(?i)sponsored' } }]

    error: a filter has one of `keep` and `drop`
      --> feeds.d/a.toml:3:37
       |
     3 | filter = [{ keep = {}, drop = {} }, {}, { drop = { title = '(x' } }]
       |                                     ^^
       hint: filter = [{ drop = { title = '(?i)sponsored' } }]

    error: `title` is not a regular expression: unclosed group
      --> feeds.d/a.toml:3:60
       |
     3 | filter = [{ keep = {}, drop = {} }, {}, { drop = { title = '(x' } }]
       |                                                            ^^^^
       hint: a backslash, in single quotes, takes the next character as it is: '\('
    ");
}

#[test]
fn a_destination_has_the_settings_of_its_kind_only() {
    let said = feed(
        "enabled = false\nto = [{ room = \"news@rooms.example.org\", access = \"open\" }, { chat = \"romeo@example.net/x\", nick = \"feeds\" }, { room = \"x\" }]",
    );
    assert_snapshot!(said, @r#"
    error: unknown key `access` in a `room` destination
      --> feeds.d/a.toml:4:42
       |
     4 | to = [{ room = "news@rooms.example.org", access = "open" }, { chat = "romeo@example.net/x", nick = "feeds" }, { room = "x" }]
       |                                          ^^^^^^
       hint: a `room` destination knows: room, create, nick, backfill

    error: `chat` has a resource
      --> feeds.d/a.toml:4:70
       |
     4 | to = [{ room = "news@rooms.example.org", access = "open" }, { chat = "romeo@example.net/x", nick = "feeds" }, { room = "x" }]
       |                                                                      ^^^^^^^^^^^^^^^^^^^^^
       hint: write "romeo@example.net"

    error: unknown key `nick` in a `chat` destination
      --> feeds.d/a.toml:4:93
       |
     4 | to = [{ room = "news@rooms.example.org", access = "open" }, { chat = "romeo@example.net/x", nick = "feeds" }, { room = "x" }]
       |                                                                                             ^^^^
       hint: a `chat` destination knows: chat, require-subscription, backfill

    error: `room` has no part before an `@`
      --> feeds.d/a.toml:4:120
       |
     4 | to = [{ room = "news@rooms.example.org", access = "open" }, { chat = "romeo@example.net/x", nick = "feeds" }, { room = "x" }]
       |                                                                                                                        ^^^
       hint: an address looks like "feeds@example.org"
    "#);
}

#[test]
fn a_destination_is_of_one_kind() {
    let said = feed("to = [{ node = \"x\", room = \"news@rooms.example.org\" }, { max-items = 5 }]");
    assert_snapshot!(said, @r#"
    error: a destination is one of `node`, `pep`, `room`, `chat`
      --> feeds.d/a.toml:3:7
       |
     3 | to = [{ node = "x", room = "news@rooms.example.org" }, { max-items = 5 }]
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: such as { node = "my-node" }

    error: a destination is one of `node`, `pep`, `room`, `chat`
      --> feeds.d/a.toml:3:56
       |
     3 | to = [{ node = "x", room = "news@rooms.example.org" }, { max-items = 5 }]
       |                                                        ^^^^^^^^^^^^^^^^^
       hint: such as { node = "my-node" }
    "#);
}

#[test]
fn a_destination_knows_the_keys_of_its_kind() {
    let said = feed("to = [{ pep = true, service = \"x.example\" }, { pep = false }, { pep = \"example.org\" }]");
    assert_snapshot!(said, @r#"
    error: unknown key `service` in a `pep` destination
      --> feeds.d/a.toml:3:21
       |
     3 | to = [{ pep = true, service = "x.example" }, { pep = false }, { pep = "example.org" }]
       |                     ^^^^^^^
       hint: a `pep` destination knows: pep, create, type, max-items, access, strict-0472, backfill

    error: `pep` is true or an account
      --> feeds.d/a.toml:3:54
       |
     3 | to = [{ pep = true, service = "x.example" }, { pep = false }, { pep = "example.org" }]
       |                                                      ^^^^^
       hint: such as { pep = true } or { pep = "juliet@example.org" }

    error: `pep` has no part before an `@`
      --> feeds.d/a.toml:3:71
       |
     3 | to = [{ pep = true, service = "x.example" }, { pep = false }, { pep = "example.org" }]
       |                                                                       ^^^^^^^^^^^^^
       hint: an address looks like "feeds@example.org"
    "#);
}

#[test]
fn a_destination_stands_once_in_a_feed() {
    let said = feed("to = [{ node = \"x\" }, { node = \"x\" }]");
    assert_snapshot!(said, @r#"
    error: node x stands twice in this `to`
      --> feeds.d/a.toml:3:23
       |
     3 | to = [{ node = "x" }, { node = "x" }]
       |                       ^^^^^^^^^^^^^^
       hint: keep one of them
    "#);
}

#[test]
fn a_feed_goes_somewhere() {
    let said = feed("to = []");
    assert_snapshot!(said, @r"
    error: `to` is empty
      --> feeds.d/a.toml:3:6
       |
     3 | to = []
       |      ^^
       hint: leave it out for the default node; enabled = false stops a feed
    ");
}

#[test]
fn keys_of_other_tables_say_where_they_belong() {
    let said = feed("node = \"x\"\nroom = \"news@rooms.example.org\"\nmatch = {}");
    assert_snapshot!(said, @r#"
    error: `node` is a key of [defaults] and of destinations
      --> feeds.d/a.toml:3:1
       |
     3 | node = "x"
       | ^^^^
       hint: to = [{ node = "…" }]

    error: `room` is a key of destinations
      --> feeds.d/a.toml:4:1
       |
     4 | room = "news@rooms.example.org"
       | ^^^^
       hint: to = [{ room = … }]

    error: `match` is a key of routes
      --> feeds.d/a.toml:5:1
       |
     5 | match = {}
       | ^^^^^
       hint: a feed has a `filter`
    "#);
}

#[test]
fn a_tab_and_wide_characters_keep_the_caret_in_place() {
    let said = feed("\ttags = [\"日本語\", 5]\n\"日本\" = 1");
    assert_snapshot!(said, @r#"
    error: an element of `tags` is a text in quotes, not a number
      --> feeds.d/a.toml:3:17
       |
     3 |     tags = ["日本語", 5]
       |                       ^
       hint: put it in double quotes

    error: unknown key `日本` in feed `a`
      --> feeds.d/a.toml:4:1
       |
     4 | "日本" = 1
       | ^^^^^^
       hint: feed `a` knows: url, name, enabled, tags, was, cron, every, timezone, own, max-every,
             full-poll-interval, allow-private, user, password-file, headers, item-id, filter, backfill,
             old-after, cool-down, on-update, on-remove, title, author-uri, summary, service, on-doubt, create,
             type, max-items, access, strict-0472, to
    "#);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let said = feed("tags = [\"\u{202e}x\", 5] # \u{202e}");
    assert_snapshot!(said, @r#"
    error: an element of `tags` is a text in quotes, not a number
      --> feeds.d/a.toml:3:15
       |
     3 | tags = ["�x", 5] # �
       |               ^
       hint: put it in double quotes
    "#);
}

#[test]
fn a_former_id_is_nobodys_id_of_today() {
    let said = feeds(
        "[a]\nurl = \"https://example.org/\"\n[b]\nurl = \"https://example.org/b\"\nwas = [\"a\"]\n[c]\nurl = \"https://example.org/c\"\nwas = [\"old\"]\n[d]\nurl = \"https://example.org/d\"\nwas = [\"old\"]\n",
    );
    assert_snapshot!(said, @r#"
    error: `was` names `a`, a feed of today
      --> feeds.d/a.toml:5:7
       |
     5 | was = ["a"]
       |       ^^^^^
       hint: it stands at feeds.d/a.toml:1

    error: two feeds were `old`
       --> feeds.d/a.toml:11:7
        |
     11 | was = ["old"]
        |       ^^^^^^^
        hint: the other one stands at feeds.d/a.toml:8
    "#);
}

#[test]
fn a_feed_that_stands_in_two_files_names_both() {
    let feed = "[a]\nurl = \"https://example.org/\"\n";
    let said = refused(&[("tidings.toml", ACCOUNT), ("feeds.d/one.toml", feed), ("feeds.d/two.toml", feed)]);
    assert_snapshot!(said, @r"
    error: feed `a` is there twice
      --> feeds.d/two.toml:1:2
       |
     1 | [a]
       |  ^
       hint: the other one stands at feeds.d/one.toml:1; rename one of them
    ");
}

#[test]
fn a_node_with_two_different_settings_names_both() {
    let feed = |name, items| {
        format!("[{name}]\nurl = \"https://example.org/\"\nto = [{{ node = \"x\", max-items = {items} }}]\n")
    };
    let said = feeds(&(feed("a", 5) + &feed("b", 6)));
    assert_snapshot!(said, @r"
    error: node x has two different settings
      --> feeds.d/a.toml:4:2
       |
     4 | [b]
       |  ^
       hint: the other ones are those of feeds.d/a.toml:1; say the same in both places
    ");
}

#[test]
fn a_node_that_is_called_after_a_feed_has_the_same_settings_elsewhere() {
    let feed = |name: &str, rest: &str| format!("[{name}]\nurl = \"https://example.org/\"\n{rest}\n");
    let to = |node: &str, items: u32| format!("to = [{{ node = \"{node}\", max-items = {items} }}]");
    let first_line = |text: String| feeds(&text).lines().take(2).collect::<Vec<_>>().join(" ");
    let named = feed("a", "") + &feed("b", &to("a", 5));
    assert_eq!(first_line(named), "error: node a has two different settings   --> feeds.d/a.toml:1:2");
    let templates = feed("a", &to("x-{feed}", 5)) + &feed("x-a", &to("{feed}", 6));
    assert_eq!(first_line(templates), "error: node x-a has two different settings   --> feeds.d/a.toml:4:2");
}

#[test]
fn every_error_of_every_file_comes_in_one_run() {
    let said = refused(&[
        ("feeds.d/c.opml", "<opml><body>\n<outline type='rss' text='c'/>\n</body></opml>"),
        ("feeds.d/b.toml", "[b]\nurl = 5\nevry = \"1h\"\n"),
        ("feeds.d/a.toml", "[a\n"),
        ("tidings.toml", "[xmpp]\njid = 5\n"),
    ]);
    assert_snapshot!(said, @r#"
    error: `jid` is a text in quotes, not a number
      --> tidings.toml:2:7
       |
     2 | jid = 5
       |       ^
       hint: put it in double quotes

    error: not TOML: unclosed table, expected `]`
      --> feeds.d/a.toml:1:3
       |
     1 | [a
       |   ^
       hint: a header is a name in square brackets, in a line of its own: [my-blog]

    error: `url` is a text in quotes, not a number
      --> feeds.d/b.toml:2:7
       |
     2 | url = 5
       |       ^
       hint: put it in double quotes

    error: unknown key `evry` in feed `b`
      --> feeds.d/b.toml:3:1
       |
     3 | evry = "1h"
       | ^^^^
       hint: did you mean `every`?

    error: this outline has no `xmlUrl`
      --> feeds.d/c.opml:2:1
       |
     2 | <outline type='rss' text='c'/>
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: xmlUrl="https://…" is its address
    "#);
}

#[test]
fn a_password_in_a_file_that_everyone_can_read_is_refused_unseen() {
    let folder = folder(&[("tidings.toml", &format!("{ACCOUNT}password = \"hunter2\"\n"))]);
    let path = folder.path().join("tidings.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let said = Config::load(Some(&path)).unwrap_err().to_string();
    assert_snapshot!(said.replace(&shown(folder.path().to_owned()), ""), @r"
    error: the password stands in a file that everyone can read
      --> tidings.toml:3:12
       |
     3 | password = ***
       |            ^^^
       hint: chmod o-r tidings.toml, or name a file that holds it: password-file
    ");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    Config::load(Some(&path)).expect("a group may read it");
}

#[test]
fn a_file_that_is_not_utf_8_says_in_which_line() {
    let folder = folder(&[("tidings.toml", ACCOUNT)]);
    fs::write(folder.path().join("feeds.d/a.toml"), b"[a]\nurl = 'https://example.org/'\ntags = ['caf\xE9']\n")
        .unwrap();
    let said = Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_err().to_string();
    assert_snapshot!(said.replace(&shown(folder.path().to_owned()), ""), @r"
    error: line 3 is not UTF-8
     --> feeds.d/a.toml
      hint: save it as UTF-8
    ");
}

#[test]
fn colours_are_for_terminals() {
    let folder = folder(&[("tidings.toml", "[xmpp]\njid = 5\n")]);
    let errors = Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_err();
    assert!(errors.render(true).contains("\x1b[1;31merror\x1b[0m: "));
    assert!(!errors.render(false).contains('\x1b'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever an editor leaves behind: the answer is a configuration, or errors that stand in the file.
    #[test]
    fn no_damage_to_a_file_goes_unanswered(
        is_main in any::<bool>(),
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        put in "[\\PC\n\t\"'={}\\[\\]#.]{0,6}",
    ) {
        let main = include_str!("../../tidings.example.toml");
        let feed = include_str!("../../feeds.d/blog.toml");
        let whole = if is_main { main } else { feed };
        let (before, after) = whole.split_at(boundary(whole, at.index(whole.len())));
        let damaged = format!("{before}{put}{}", &after[boundary(after, length.min(after.len()))..]);
        let (main, feed) = if is_main { (damaged.as_str(), feed) } else { (main, damaged.as_str()) };
        let folder = folder(&[("tidings.toml", main), ("feeds.d/blog.toml", feed)]);
        if let Err(errors) = Config::load(Some(&folder.path().join("tidings.toml"))) {
            let lines = damaged.matches('\n').count() + 1;
            for error in &errors.0 {
                prop_assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{errors}");
            }
            prop_assert!(errors.to_string().starts_with("error: "));
        }
    }
}

/// The beginning of the character that holds a byte.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[test]
fn rows_of_opml_are_refused_by_line_and_column() {
    let list = "<opml version='2.0'><body><outline text='Sea'>\n\
        <outline text='a' xmlUrl='harbour.example/feed'/>\n<outline text='b' xmlUrl='ftp://b.example/'/>\n\
        <outline text='c' xmlUrl='https://c.example/' tidings-id='No Good'/>\n\
        <outline text='d' xmlUrl='https://me:hunter2@d.example/' tidings-id='d'/>\n\
        <outline text='e' xmlUrl='https://e.example/one'/>\n<outline text='f' xmlUrl='https://www.e.example/one'/>\n\
        <outline text='g' xmlUrl=\"https://g.example/' />\n</outline></body></opml>";
    let said = refused(&[("tidings.toml", ACCOUNT), ("feeds.d/list.opml", list)]);
    assert!(!said.contains("hunter2"));
    assert_snapshot!(said, @r#"
    error: `xmlUrl` is not a whole address
      --> feeds.d/list.opml:2:27
       |
     2 | <outline text='a' xmlUrl='harbour.example/feed'/>
       |                           ^^^^^^^^^^^^^^^^^^^^
       hint: it begins with https:// or http://

    error: `ftp:` is no scheme to poll
      --> feeds.d/list.opml:3:27
       |
     3 | <outline text='b' xmlUrl='ftp://b.example/'/>
       |                           ^^^^^^^^^^^^^^^^
       hint: http and https are

    error: a feed's id is 1 to 63 characters of a-z, 0-9, '.', '_', '-', the first one a letter or digit; "No Good" is not
      --> feeds.d/list.opml:4:59
       |
     4 | <outline text='c' xmlUrl='https://c.example/' tidings-id='No Good'/>
       |                                                           ^^^^^^^
       hint: such as tidings-id="no-good"

    error: the address holds a user's name or password
      --> feeds.d/list.opml:5:27
       |
     5 | <outline text='d' xmlUrl='***' tidings-id='d'/>
       |                           ^^^
       hint: take it out, and set `user` and `password-file`

    error: feed `e-example-one` is there twice
      --> feeds.d/list.opml:7:27
       |
     7 | <outline text='f' xmlUrl='https://www.e.example/one'/>
       |                           ^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: the other one stands at feeds.d/list.opml:6; give one of them another id:
             tidings-id="…"

    error: not XML: syntax error: attribute value not closed: `"` not found before end of input
      --> feeds.d/list.opml:8:1
       |
     8 | <outline text='g' xmlUrl="https://g.example/' />
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: repair it, or take it out and add that feed by hand
    "#);
    assert_snapshot!(refused(&[("tidings.toml", ACCOUNT), ("feeds.d/page.opml", "<html></html>")]), @r"
    error: this is no OPML: it has no <outline>
      --> feeds.d/page.opml:1:1
       |
     1 | <html></html>
       | ^
       hint: export the list of feeds of your reader as OPML
    ");
}

#[test]
fn what_a_newcomer_writes_is_told_with_its_remedy() {
    let main = |text: &str| refused(&[("tidings.toml", text)]);
    let said = [
        main("[xmpp]\njid = feeds@example.org\n"),
        main("[xmpp]\njid: \"feeds@example.org\"\n"),
        main("[xmpp]\njid = “feeds@example.org”\n"),
        main("xmpp]\njid = \"feeds@example.org\"\n"),
        main("{\"xmpp\": {\"jid\": \"feeds@example.org\"}}"),
        with_account("[defaults]\nevery = 30m\n"),
        with_account("[defaults]\nown = True\n"),
        with_account("[[route]]\nmatch = \"xmpp\"\nto = [{ node = \"x\" }]\n"),
        feeds("url = \"https://example.org/\"\n"),
        feeds("[[feeds]]\nid = \"a\"\nurl = \"https://example.org/\"\n"),
        feeds("[my.blog]\nurl = \"https://example.org/\"\n"),
        feeds("[My_Blog!]\nurl = \"https://example.org/\"\n"),
        feed("tags = [xmpp, planet]"),
        feed("tags = [\"xmpp\" \"planet\"]"),
        feed("tags = \"xmpp\""),
        feed("to = [{ node = \"x\" ]"),
        feed("to = { node = \"x\" }"),
        feed("filter = { drop = { title = \"x\" } }"),
    ];
    assert_snapshot!(said.join("\n"), @r#"
    error: not TOML: this is neither a text in quotes nor a number, true or false
      --> tidings.toml:2:7
       |
     2 | jid = feeds@example.org
       |       ^^^^^^^^^^^^^^^^^
       hint: a text stands in double quotes: "30m"; true and false without, in small letters

    error: not TOML: key with no value, expected `=`
      --> tidings.toml:2:6
       |
     2 | jid: "feeds@example.org"
       |      ^
       hint: a setting looks like key = "value", a header like [name]

    error: not TOML: this is neither a text in quotes nor a number, true or false
      --> tidings.toml:2:7
       |
     2 | jid = “feeds@example.org”
       |       ^^^^^^^^^^^^^^^^^^^
       hint: a text stands in double quotes: "30m"; true and false without, in small letters

    error: not TOML: key with no value, expected `=`
      --> tidings.toml:1:5
       |
     1 | xmpp]
       |     ^
       hint: a setting looks like key = "value", a header like [name]

    error: not TOML: invalid key-value pair, expected key
      --> tidings.toml:1:1
       |
     1 | {"xmpp": {"jid": "feeds@example.org"}}
       | ^
       hint: a setting looks like key = "value", a header like [name]

    error: not TOML: this is neither a text in quotes nor a number, true or false
      --> tidings.toml:4:9
       |
     4 | every = 30m
       |         ^^^
       hint: a text stands in double quotes: "30m"; true and false without, in small letters

    error: not TOML: this is neither a text in quotes nor a number, true or false
      --> tidings.toml:4:7
       |
     4 | own = True
       |       ^^^^
       hint: a text stands in double quotes: "30m"; true and false without, in small letters

    error: `match` is a table, not a string
      --> tidings.toml:4:9
       |
     4 | match = "xmpp"
       |         ^^^^^^
       hint: a table stands in braces: { key = value }

    error: `url` stands outside a feed's table
      --> feeds.d/a.toml:1:1
       |
     1 | url = "https://example.org/"
       | ^^^
       hint: a feed begins with its name in square brackets: [my-blog]

    error: `feeds` is a list of tables, not a feed
      --> feeds.d/a.toml:1:3
       |
     1 | [[feeds]]
       |   ^^^^^
       hint: a feed's name stands in single square brackets: [my-blog]

    error: feed `blog` stands within `my`
      --> feeds.d/a.toml:1:2
       |
     1 | [my.blog]
       |  ^^
       hint: a dot makes a table within a table: write the name in quotes, ["my.blog"]

    error: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
      --> feeds.d/a.toml:1:9
       |
     1 | [My_Blog!]
       |         ^
       hint: a setting looks like key = "value", a header like [name]

    error: not TOML: this is neither a text in quotes nor a number, true or false
      --> feeds.d/a.toml:3:9
       |
     3 | tags = [xmpp, planet]
       |         ^^^^
       hint: a text stands in double quotes: "30m"; true and false without, in small letters

    error: not TOML: missing comma between array elements, expected `,`
      --> feeds.d/a.toml:3:16
       |
     3 | tags = ["xmpp" "planet"]
       |                ^
       hint: a list looks like ["one", "two"]

    error: `tags` is a list in square brackets, not a string
      --> feeds.d/a.toml:3:8
       |
     3 | tags = "xmpp"
       |        ^^^^^^
       hint: put it in square brackets: [ … ]

    error: not TOML: invalid inline table element, expected `,`
      --> feeds.d/a.toml:3:20
       |
     3 | to = [{ node = "x" ]
       |                    ^
       hint: a table in braces looks like { key = value, key = value }

    error: `to` is a list in square brackets, not a table
      --> feeds.d/a.toml:3:6
       |
     3 | to = { node = "x" }
       |      ^^^^^^^^^^^^^^
       hint: put it in square brackets: [ … ]

    error: `filter` is a list in square brackets, not a table
      --> feeds.d/a.toml:3:10
       |
     3 | filter = { drop = { title = "x" } }
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^
       hint: put it in square brackets: [ … ]
    "#);
}

#[test]
fn every_error_has_a_place_and_a_remedy() {
    // Whatever is refused in this file: each error with its hint.
    let source = include_str!("broken.rs");
    let mut errors = 0;
    for snapshot in source.split("@r").skip(1).filter_map(|rest| rest.split_once("\n    \"").map(|(text, _)| text)) {
        for error in snapshot.split("    error: ").skip(1) {
            errors += 1;
            assert!(error.contains(" hint: ") && error.contains("-->"), "no remedy, or no place: {error}");
        }
    }
    assert!(errors > 80, "{errors}");
}

#[test]
fn a_table_that_stands_twice_is_told_once() {
    let said = feeds("[a]\nurl = \"https://a.example/\"\n[a]\nurl = \"https://b.example/\"\n[b]\nurl = 1 2\n");
    assert_snapshot!(said, @r#"
    error: not TOML: this is there twice
      --> feeds.d/a.toml:3:2
       |
     3 | [a]
       |  ^
       hint: it stands above already: keep one of them

    error: not TOML: this is neither a text in quotes nor a number, true or false
      --> feeds.d/a.toml:6:7
       |
     6 | url = 1 2
       |       ^^^
       hint: a text stands in double quotes: "30m"; true and false without, in small letters
    "#);
}

#[test]
fn of_a_very_long_line_the_part_around_the_place_is_shown() {
    let long = "x".repeat(5000);
    assert_snapshot!(feeds(&format!("[a]\nurl = \"https://a.example/{long}\" 1, {long}\n")), @r#"
    error: not TOML: unexpected key or value, expected newline, `#`
      --> feeds.d/a.toml:2:5028
       |
     2 | …xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" 1, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
       |                                                              ^
       hint: each setting stands in a line of its own
    "#);
    // A secret stays one where its beginning is not shown.
    let said = feeds(&format!("[a]\nurl = \"https://a.example/\"\nheaders = {{ x = \"hunter2{long}\", y = 1 }}\n"));
    assert!(said.len() < 600 && !said.contains("hunter2") && !said.contains("xxx"), "{said}");
}

#[test]
fn the_line_feeds_of_windows_are_not_shown() {
    assert_snapshot!(feeds("[a]\r\nurl = 1\r\n"), @r"
    error: `url` is a text in quotes, not a number
      --> feeds.d/a.toml:2:7
       |
     2 | url = 1
       |       ^
       hint: put it in double quotes
    ");
}

#[test]
fn what_is_no_text_is_told_by_its_line() {
    assert_snapshot!(feeds("[a]\nurl = \"a\0b\"\n"), @r"
    error: line 2 holds a NUL byte, as no text does
     --> feeds.d/a.toml
      hint: save it as UTF-8
    ");
}

#[test]
fn a_server_is_a_host_or_a_host_and_port() {
    for server in ["127.0.0.1:99999", "a b", "https://a.example", ":5222", "a:b:c"] {
        let said = main_file(&format!("[xmpp]\njid = \"feeds@example.org\"\nserver = \"{server}\"\n"));
        assert!(said.contains("error: `server` is not host or host:port\n"), "{said}");
    }
}

#[test]
fn what_is_there_and_is_no_file_is_told_by_what_it_is() {
    let folder = folder(&[("tidings.toml", ACCOUNT)]);
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("feeds.d/folder.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere.toml", path("feeds.d/link.toml")).unwrap();
    std::os::unix::fs::symlink("loop.toml", path("feeds.d/loop.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("feeds.d/zero.toml")).unwrap();
    let refused = || Config::load(Some(&path("tidings.toml"))).unwrap_err().to_string();
    assert_snapshot!(refused().replace(&shown(folder.path().to_owned()), ""), @r"
    error: is a folder, not a file
     --> feeds.d/folder.toml
      hint: put a file in its place, or give it another name

    error: cannot be read: No such file or directory (os error 2)
     --> feeds.d/link.toml
      hint: it is a link to a file that is not there: mend it, or take it out

    error: cannot be read: Too many levels of symbolic links (os error 40)
     --> feeds.d/loop.toml
      hint: it is a link that leads to no file: mend it, or take it out

    error: is a pipe or a device, not a file
     --> feeds.d/zero.toml
      hint: put a file in its place, or give it another name
    ");
    fs::remove_dir_all(path("feeds.d")).unwrap();
    fs::write(path("feeds.d"), "").unwrap();
    assert_snapshot!(refused().replace(&shown(folder.path().to_owned()), ""), @r"
    error: cannot be listed: Not a directory (os error 20)
     --> feeds.d
      hint: feeds.d is a folder of files: give the file that has its name another
    ");
}

#[test]
fn a_list_that_was_cut_off_is_refused() {
    let outline = "<outline text='x' xmlUrl='https://a.example/'/>\n";
    assert_snapshot!(
        refused(&[("tidings.toml", ACCOUNT), ("feeds.d/l.opml", &format!("<opml version='2.0'><body>\n{outline}"))]), @r"
    error: the list ends in the middle: there is no </opml>
      --> feeds.d/l.opml:2:48
       |
     2 | <outline text='x' xmlUrl='https://a.example/'/>
       |                                                ^
       hint: export it again; or close what is open
    ");
}

#[test]
fn a_log_is_told_of_the_first_errors_only() {
    let folder = folder(&[("tidings.toml", ACCOUNT)]);
    let brief = |feeds: usize| {
        let text: String = (0..feeds).map(|n| format!("[f{n}]\nurl = 1\n")).collect();
        fs::create_dir_all(folder.path().join("feeds.d")).unwrap();
        fs::write(folder.path().join("feeds.d/a.toml"), text).unwrap();
        Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_err().brief()
    };
    let (all, some) = (brief(20), brief(25));
    assert_eq!(all.matches("error: ").count(), 20);
    assert_eq!(some, format!("{all}\nand 5 more: `tidings check` tells all of them\n"));
}
