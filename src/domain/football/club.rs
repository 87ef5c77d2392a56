//! Whether two names mean the same club: "Man United" and "Manchester United FC".
//!
//! Names are first made plain (accents, case, punctuation and words such as FC go). What plain names do not
//! show is in the table of aliases; for matches of one day, where few names can be meant, likeness tells.

/// Words that say that something is a club, and not which.
const SAY_NOTHING: [&str; 18] = [
    "fc", "afc", "cf", "ac", "as", "sc", "ssc", "us", "ss", "sv", "rc", "rcd", "cd", "ud", "sd",
    "club", "de", "calcio",
];

/// Plain short names that files use, and the plain name that they mean.
const ALIASES: [(&str, &str); 44] = [
    ("man united", "manchester united"),
    ("man utd", "manchester united"),
    ("man city", "manchester city"),
    ("spurs", "tottenham hotspur"),
    ("wolves", "wolverhampton wanderers"),
    ("nottm forest", "nottingham forest"),
    ("sheffield weds", "sheffield wednesday"),
    ("qpr", "queens park rangers"),
    ("west brom", "west bromwich albion"),
    ("brighton", "brighton hove albion"),
    ("ath bilbao", "athletic bilbao"),
    ("ath madrid", "atletico madrid"),
    ("atl madrid", "atletico madrid"),
    ("la coruna", "deportivo la coruna"),
    ("sp gijon", "sporting gijon"),
    ("sociedad", "real sociedad"),
    ("betis", "real betis"),
    ("espanol", "espanyol barcelona"),
    ("espanyol", "espanyol barcelona"),
    ("celta", "celta vigo"),
    ("vallecano", "rayo vallecano"),
    ("barcelona", "barcelona"),
    ("ein frankfurt", "eintracht frankfurt"),
    ("mgladbach", "borussia monchengladbach"),
    ("gladbach", "borussia monchengladbach"),
    ("dortmund", "borussia dortmund"),
    ("leverkusen", "bayer 04 leverkusen"),
    ("bayer leverkusen", "bayer 04 leverkusen"),
    ("koln", "1 koln"),
    ("cologne", "1 koln"),
    ("nurnberg", "1 nurnberg"),
    ("mainz", "1 fsv mainz 05"),
    ("hertha", "hertha bsc"),
    ("hertha berlin", "hertha bsc"),
    ("hamburg", "hamburger"),
    ("bayern munich", "bayern munchen"),
    ("schalke", "schalke 04"),
    ("greuther furth", "spvgg greuther furth"),
    ("inter", "internazionale milano"),
    ("inter milan", "internazionale milano"),
    ("milan", "milan"),
    ("verona", "hellas verona"),
    ("spal", "spal 2013"),
    ("chievo", "chievo verona"),
];

/// A name without what varies between files.
pub fn plain(name: &str) -> String {
    let mut letters = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '\'' | '’' | '.' => {}
            _ if letter.is_alphanumeric() => letters.push_str(unaccented(letter).as_str()),
            _ => letters.push(' '),
        }
    }
    let all: Vec<&str> = letters.split_whitespace().collect();
    let telling: Vec<&str> =
        all.iter().copied().filter(|word| !SAY_NOTHING.contains(word)).collect();
    let words = if telling.is_empty() { all } else { telling };
    let plain = words.join(" ");
    ALIASES.iter().find(|(short, _)| *short == plain).map_or(plain, |(_, long)| (*long).to_owned())
}

/// In lower case, as it is typed where there are no accents.
fn unaccented(letter: char) -> String {
    let lower = letter.to_lowercase();
    lower
        .map(|letter| match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
            'ç' | 'ć' | 'č' => 'c',
            'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
            'ì'..='ï' | 'ī' | 'ı' => 'i',
            'ñ' | 'ń' | 'ň' => 'n',
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
            'ù'..='ü' | 'ū' | 'ű' | 'ů' => 'u',
            'ý' | 'ÿ' => 'y',
            'ś' | 'š' | 'ş' | 'ș' => 's',
            'ź' | 'ż' | 'ž' => 'z',
            'ğ' => 'g',
            'ł' => 'l',
            'ţ' | 'ț' | 'ť' => 't',
            'ř' => 'r',
            other => other,
        })
        .collect()
}

/// The teams that an event's name names, home and away: `Arsenal v Everton`.
pub fn teams_of(event: &str) -> Option<[&str; 2]> {
    let (home, away) =
        [" v ", " vs ", " vs. "].iter().find_map(|between| event.split_once(between))?;
    let (home, away) = (home.trim(), away.trim());
    (!home.is_empty() && !away.is_empty()).then_some([home, away])
}

/// How alike two plain names are, 0 to 1: the part of the shorter one's words that the other has, in
/// full or begun. Initials of the other count as its words.
pub fn likeness(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let initials: String = long.iter().filter_map(|word| word.chars().next()).collect();
    if short.len() == 1 && long.len() > 1 && short[0] == initials {
        return 0.9;
    }
    let alike = |word: &str| long.iter().map(|other| begun(word, other)).fold(0.0, f64::max);
    0.95 * short.iter().map(|word| alike(word)).sum::<f64>() / short.len() as f64
}

/// 1 for the same word; for words that begin alike the part of the shorter that is the same, from three
/// letters on.
fn begun(a: &str, b: &str) -> f64 {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shorter = a.chars().count().min(b.chars().count());
    match same {
        0..=2 if same < shorter => 0.0,
        _ => same as f64 / shorter as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_the_same_club_are_alike() {
        for (a, b) in [
            ("Man United", "Manchester United"),
            ("Nott'm Forest", "Nottingham Forest FC"),
            ("Wolves", "Wolverhampton Wanderers"),
            ("FC Köln", "1. FC Köln"),
            ("Ath Madrid", "Atlético Madrid"),
            ("AC Milan", "Milan"),
        ] {
            assert_eq!(plain(a), plain(b));
        }
        for (a, b, other) in [
            ("Wigan", "Wigan Athletic", "West Ham"),
            ("Blackpool", "Blackpool FC", "Blackburn Rovers"),
            ("Newcastle", "Newcastle United", "West Ham United"),
            ("Bolton", "Bolton Wanderers", "Wolverhampton Wanderers"),
            ("PSG", "Paris Saint Germain", "Paris FC"),
        ] {
            let like = |b: &str| likeness(&plain(a), &plain(b));
            assert!(
                like(b) > 0.85 && like(b) > like(other) + 0.2,
                "{a}: {} {}",
                like(b),
                like(other)
            );
        }
        assert_eq!(plain("FC"), "fc", "a name is never nothing");
    }

    #[test]
    fn aliases_are_plain_and_lead_straight_there() {
        for (short, long) in ALIASES {
            assert_eq!(plain(long), long, "{short}");
        }
    }
}
