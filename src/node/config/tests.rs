//! Layers, complaints, and the file in the repository.

use super::*;
use crate::pull::{What, Where};
use domain::money::Pence;

/// The settings, or the complaints, of a file, an environment and flags.
fn read(file: &str, environment: &[(&str, &str)], flags: &[Flag]) -> Result<Settings, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node.toml");
    std::fs::write(&path, file).unwrap();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = environment.iter().map(own).collect();
    let shown = path.display().to_string();
    Settings::read_from(Some(&path), environment, flags)
        .map_err(|error| error.to_string().replace(&shown, "F"))
}

#[test]
fn later_layers_win_and_are_named() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\n[timeouts]\nheader_ms = 7\nbody_ms = 8\n";
    let environment =
        [("LAYBOOK__HTTP__LISTEN", "127.0.0.1:2"), ("LAYBOOK__TIMEOUTS__BODY_MS", "9")];
    let flags = [("http.listen", "127.0.0.1:3".to_owned())];
    let settings = read(file, &environment, &flags).unwrap();
    assert_eq!(settings.http.port(), 3);
    assert_eq!(settings.door.header_timeout, Duration::from_millis(7));
    assert_eq!(settings.door.body_timeout, Duration::from_millis(9));
    let shown = settings.to_toml();
    for line in [
        "listen = \"127.0.0.1:3\"  # flag",
        "body_ms = 9  # environment LAYBOOK__TIMEOUTS__BODY_MS",
        "idle_ms = 240000  # default",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert_eq!(settings.to_json()["timeouts.header_ms"]["value"], "7");
    let again = read(&shown, &[], &[]).unwrap();
    assert_eq!(again.http, settings.http, "what is shown can be read");
}

#[test]
fn a_profile_sets_the_limits_that_nobody_gave() {
    let open = read("", &[], &[]).unwrap();
    assert_eq!((open.limits.data_weight, open.limits.concurrent_queries), (None, None));
    let file = "[limits]\nprofile = \"betfair\"\ndata_weight = \"off\"\nids = 9\n";
    let settings = read(file, &[], &[]).unwrap();
    let limits = &settings.limits;
    assert_eq!((limits.data_weight, limits.ids, limits.concurrent_queries), (None, 9, Some(3)));
    assert!(settings.to_toml().contains("concurrent_queries = 3  # profile betfair"));
    let wrong =
        "[limits]\ndata_weight = 0\nconcurrent_queries = \"few\"\nplace_instructions = 201\n";
    assert_eq!(
        read(wrong, &[], &[]).unwrap_err(),
        concat!(
            "limits.data_weight = \"0\" (file F): is not at least 1, and not off\n",
            "limits.place_instructions = \"201\" (file F): is not between 1 and 200\n",
            "limits.concurrent_queries = \"few\" (file F): is not a whole number, and not off"
        ),
    );
}

#[test]
fn complaints_name_key_value_origin_and_reason() {
    let check = |file: &str, environment: &[(&str, &str)], flags: &[Flag], expect: &str| {
        assert_eq!(read(file, environment, flags).unwrap_err(), expect, "{file}");
    };
    check(
        "[http]\nlisten = 8080\n[timeouts]\nheader_ms = 0\n",
        &[("LAYBOOK__CLOCK__SOURCE", "sundial")],
        &[("limits.profile", "none".to_owned())],
        concat!(
            "http.listen = \"8080\" (file F): is not an address such as 127.0.0.1:8080 or [::1]:8080\n",
            "clock.source = \"sundial\" (environment LAYBOOK__CLOCK__SOURCE): ",
            "is not one of system, manual\n",
            "limits.profile = \"none\" (flag): is not one of open, betfair\n",
            "timeouts.header_ms = \"0\" (file F): is not between 1 and 3600000"
        ),
    );
    check(
        "[htpp]\nlisten = \"127.0.0.1:1\"\n",
        &[],
        &[],
        "htpp.listen = \"127.0.0.1:1\" (file F): is not a key; did you mean http.listen?",
    );
    check(
        "",
        &[("LAYBOOK__CAPS__CONECTIONS", "1")],
        &[],
        concat!(
            "caps.conections = \"1\" (environment LAYBOOK__CAPS__CONECTIONS): ",
            "is not a key; did you mean caps.connections?"
        ),
    );
    check(
        "[http]\nlisten = \"127.0.0.1:9\"\n[admin]\nlisten = \"127.0.0.1:9\"\n",
        &[],
        &[],
        "admin.listen = \"127.0.0.1:9\" (file F): is the address of http.listen too",
    );
    check(
        "[journal]\nsegment_bytes = 65537\n[log]\nfilter = [\"a\"]\n",
        &[],
        &[],
        concat!(
            "log.filter = \"[...]\" (file F): is a list where one value is expected\n",
            "journal.segment_bytes = \"65537\" (file F): is not a multiple of 512"
        ),
    );
    let broken = read("[http\n", &[], &[]).unwrap_err();
    assert!(broken.starts_with("configuration file F: "), "{broken}");
    let missing = Settings::read_from(Some(Path::new("/no/such")), Map::new(), &[]);
    assert!(missing.unwrap_err().to_string().starts_with("configuration file /no/such: "));
}

#[test]
fn the_file_in_the_repository_says_the_defaults_and_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/node.toml");
    let settings = Settings::read_from(Some(&path), Map::new(), &[]).unwrap();
    for (key, value, about) in KEYS {
        let given = &settings.origins[key];
        assert_eq!(given.value, *value, "{key}");
        assert_ne!(given.origin, "default", "{key} is not in the file");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(about), "{key} is not explained: {about}");
    }
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_door() {
    let settings = Settings::read_from(None, Map::new(), &[]).unwrap();
    let door = Limits::default();
    let same = |limits: &Limits| format!("{limits:?}");
    assert_eq!(same(&settings.door), same(&door));
}

#[test]
fn models_are_read_whole_and_every_complaint_names_its_key() {
    let file = concat!(
        "[[models]]\nname = \"elo\"\ncommand = [\"python3\", \"elo.py\"]\n",
        "competitions = [\"Premier League\"]\nmemory_mb = 512\n",
        "[[models]]\nname = \"mine\"\ncommand = [\"./mine\"]\ndeadline_ms = 50\n",
    );
    let settings = read(file, &[], &[]).unwrap();
    let [elo, mine] = &settings.models[..] else { panic!("{:?}", settings.models) };
    assert_eq!(elo.command, ["python3", "elo.py"]);
    assert!(elo.terms.prices("premier league") && !elo.terms.prices("Serie A"));
    assert_eq!((elo.memory_mb, elo.terms.deadline), (512, Duration::from_millis(500)));
    assert!(mine.terms.prices("Serie A"));
    assert_eq!((mine.memory_mb, mine.terms.deadline), (2_048, Duration::from_millis(50)));
    let shown = settings.to_toml();
    assert_eq!(read(&shown, &[], &[]).unwrap().models, settings.models, "{shown}");
    assert_eq!(settings.to_json()["models"][0]["name"], "elo");

    let wrong = concat!(
        "[[models]]\nname = \"My Model\"\ncommand = \"python3 elo.py\"\ncolour = 1\n",
        "[[models]]\nname = \"a\"\ncommand = []\nmemory_mb = 1\ncompetitions = [1]\n",
        "[[models]]\nname = \"b\"\ncommand = [\"x\"]\ndeadline_ms = \"soon\"\n",
        "[[models]]\nname = \"c\"\ncommand = [\"x\"]\n[[models]]\nname = \"c\"\ncommand = [\"x\"]\n",
    );
    let complaints = read(wrong, &[], &[]).unwrap_err();
    for complaint in [
        "models[0].name = \"My Model\" (file F): is not a word",
        "models[0].command = \"python3 elo.py\" (file F): is not a list of texts",
        "models[0].colour = \"1\" (file F): is not one of its keys",
        "models[1].command = \"[...]\" (file F): names no program",
        "models[1].memory_mb = \"1\" (file F): is not between 16 and 1048576",
        "models[1].competitions = \"[...]\" (file F): is not a list of texts",
        "models[2].deadline_ms = \"soon\" (file F): is not a whole number",
        "models[4].name = \"c\" (file F): is another one's name already",
    ] {
        assert!(complaints.contains(complaint), "{complaint} in\n{complaints}");
    }
    assert!(read("models = 1\n", &[], &[]).is_err());
    assert!(read("models = [1]\n", &[], &[]).unwrap_err().contains("models[0]"));
}

#[test]
fn makers_are_read_whole_and_every_complaint_names_its_key() {
    let file = concat!(
        "[[makers]]\nname = \"house\"\nuser = \"house\"\napp_key = \"house-key\"\nleads = true\n",
        "[[makers]]\nname = \"wide\"\nuser = \"u\"\napp_key = \"k\"\nspread_bp = 400\n",
        "stake = \"12.5\"\ncompetitions = [\"Premier League\"]\n",
    );
    let settings = read(file, &[], &[]).unwrap();
    let [house, wide] = &settings.makers[..] else { panic!("{:?}", settings.makers) };
    assert_eq!((house.leads, house.spread_bp, house.stake), (true, 120, Pence(6_000)));
    assert_eq!((wide.leads, wide.spread_bp, wide.stake), (false, 400, Pence(1_250)));
    assert!((wide.terms().spread - 0.04).abs() < 1e-12);
    let shown = settings.to_toml();
    assert_eq!(read(&shown, &[], &[]).unwrap().makers, settings.makers, "{shown}");
    assert_eq!(settings.to_json()["makers"][1]["stake"], "12.50");

    let wrong = concat!(
        "[[makers]]\nname = \"a\"\napp_key = \"k\"\n",
        "[[makers]]\nname = \"b\"\nuser = \"u\"\napp_key = \"\"\n",
        "[[makers]]\nname = \"c\"\nuser = \"u\"\napp_key = \"k\"\nspread_bp = 0\n",
        "[[makers]]\nname = \"d\"\nuser = \"u\"\napp_key = \"k\"\nstake = \"1.99\"\n",
        "[[makers]]\nname = \"e\"\nuser = \"u\"\napp_key = \"k\"\nleads = \"yes\"\n",
    );
    let complaints = read(wrong, &[], &[]).unwrap_err();
    for complaint in [
        "makers[0].user = \"\" (file F): is missing: the name of a user",
        "makers[1].app_key = \"\" (file F): is missing: an application key",
        "makers[2].spread_bp = \"0\" (file F): is not between 1 and 5000",
        "makers[3].stake = \"1.99\" (file F): is not from 2.00 to 1000000.00",
        "makers[4].leads = \"yes\" (file F): is neither true nor false",
    ] {
        assert!(complaints.contains(complaint), "{complaint} in\n{complaints}");
    }
}

#[test]
fn pulls_are_read_whole_and_every_complaint_names_its_key() {
    let file = concat!(
        "[[pulls]]\nname = \"mine\"\nschedule = \"*/5 * * * *\"\nfrom = \"football\"\n",
        "[[pulls]]\nname = \"serie-a\"\nschedule = \"0 3 * * *\"\n",
        "from = \"https://example.org/a.csv?season=1\"\n",
        "[[pulls]]\nname = \"live\"\nschedule = \"* * * * SAT\"\n",
        "from = \"http://127.0.0.1:8000/e\"\nwhat = \"events\"\n",
    );
    let settings = read(file, &[], &[]).unwrap();
    let wheres: Vec<&Where> = settings.pulls.iter().map(|pull| &pull.from).collect();
    let csv = What::Csv { competition: "Serie A".to_owned() };
    let url = |url: &str, what| Where::Url { url: url.to_owned(), what };
    assert_eq!(
        wheres,
        [
            &Where::Folder("football".into()),
            &url("https://example.org/a.csv?season=1", csv),
            &url("http://127.0.0.1:8000/e", What::List("events")),
        ]
    );
    let shown = settings.to_toml();
    assert_eq!(read(&shown, &[], &[]).unwrap().pulls, settings.pulls, "{shown}");
    assert_eq!(settings.to_json()["pulls"][1]["competition"], "Serie A");

    let wrong = concat!(
        "[[pulls]]\nname = \"a\"\nschedule = \"often\"\nfrom = \"x\"\n",
        "[[pulls]]\nname = \"b\"\nschedule = \"* * * * *\"\nfrom = \"ftp://x/y\"\n",
        "[[pulls]]\nname = \"c\"\nschedule = \"* * * * *\"\nfrom = \"http://x/y\"\n",
        "[[pulls]]\nname = \"d\"\nfrom = \"x\"\nwhat = \"csv\"\n",
        "[[pulls]]\nname = \"e\"\nschedule = \"* * * * *\"\nfrom = \"x\"\nwhat = \"csv\"\n",
        "[[pulls]]\nname = \"f\"\nschedule = \"* * * * *\"\nfrom = \"http:///y.csv\"\n",
    );
    let complaints = read(wrong, &[], &[]).unwrap_err();
    for complaint in [
        "pulls[0].schedule = \"often\" (file F): is no schedule: ",
        "pulls[1].from = \"ftp://x/y\" (file F): is neither a directory nor a URL",
        "pulls[2].what = \"\" (file F): is missing: one of csv, fixtures, results, events, quotes",
        "pulls[3].schedule = \"\" (file F): is missing: five fields",
        "pulls[4].what = \"csv\" (file F): is for URLs",
        "pulls[5].from = \"http:///y.csv\" (file F): ",
    ] {
        assert!(complaints.contains(complaint), "{complaint} in\n{complaints}");
    }
}
