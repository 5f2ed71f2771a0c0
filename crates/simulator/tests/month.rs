//! A day with a few friends; a month with many is for `cargo xtask sim --friends`.

#![allow(clippy::unwrap_used)] // Here a broken assumption is a failed test.

use tidings_simulator::network::month::{Habits, Report, run};

/// What programs that read the figures rely on.
const FIELDS: [&str; 7] = [
    "requests_in",
    "requests_out",
    "peak_outbound_per_hour",
    "egress_bytes",
    "keys",
    "naive_requests_in",
    "naive_requests_out",
];

/// Over stores that hide for a minute what was sent, whoever asks at every poll.
#[test]
fn an_impatient_client_keeps_to_the_hour() {
    let report = run(&Habits {
        seed: 1,
        friends: 60,
        days: 1,
        changes_a_day: 5,
        tab_hours: 1.0,
        visits: 2,
        poll_seconds: (4, 4, 4),
        is_impatient: true,
        carry_bytes: 0,
        quiet: true,
    });
    assert_eq!(report.problems(), [""; 0]);
    assert!(report.requests_out > 60, "{report}");
}

#[test]
fn a_day_with_friends_costs_what_is_sent_and_asked_for() {
    let report = run(&Habits {
        seed: 1,
        friends: 3,
        days: 1,
        changes_a_day: 2,
        tab_hours: 0.5,
        visits: 2,
        poll_seconds: (4, 10, 20),
        is_impatient: false,
        carry_bytes: 0,
        quiet: true,
    });
    assert_eq!(report.problems(), [""; 0]);
    // Half an hour of polls, each of at least 4 and at most 20 seconds.
    assert!((90..=450).contains(&report.requests_in_polls), "{report}");
    // Two changes of its own are told to three friends, or one of them takes both at once.
    assert!((3..=6).contains(&report.requests_out_notifications), "{report}");
    assert!(report.requests_out_pulls >= 3 && report.requests_in_pulls >= 3, "{report}");
    let figures = serde_json::to_value(&report).unwrap();
    let figures = figures.as_object().unwrap();
    assert!(figures.values().all(serde_json::Value::is_number));
    for field in FIELDS {
        assert!(figures.contains_key(field), "{field}");
    }
}

/// The variant that the protocol was compared with before it was left as it is.
#[test]
fn a_notification_that_carries_what_changed_spares_the_pull() {
    let of = |carry_bytes| {
        run(&Habits {
            seed: 1,
            friends: 4,
            days: 2,
            changes_a_day: 2,
            tab_hours: 0.5,
            visits: 2,
            poll_seconds: (10, 20, 20),
            is_impatient: false,
            carry_bytes,
            quiet: true,
        })
    };
    let (plain, carrying, too_small) = (of(0), of(8 * 1024), of(100));
    let pulls = |report: &Report| report.requests_in_pulls + report.requests_out_pulls;
    assert!(pulls(&carrying) * 2 < pulls(&plain), "{plain}\n{carrying}");
    assert!(pulls(&too_small) * 2 > pulls(&plain), "{plain}\n{too_small}");
    let notifications = |report: &Report| report.requests_out_notifications;
    assert!(notifications(&carrying) >= notifications(&plain), "{plain}\n{carrying}");
}
