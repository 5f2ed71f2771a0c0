//! Runs every test over both kinds of store.

use crate::mode::Mode;
use libtest_mimic::{Arguments, Trial};

/// How many tests run at the same time: they wait more than they work.
const THREADS: usize = 12;

/// Names how stale, in seconds, the stale store is, if not [`STALE_SECONDS`].
const STALE_VARIABLE: &str = "TIDINGS_E2E_STALE";

/// How stale the stale store is.
const STALE_SECONDS: u64 = 2;

/// A test: its name, and what it does over a given kind of store.
pub type Test = (&'static str, fn(Mode));

/// Names functions of the module that it is used in.
#[macro_export]
macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        /// The tests of this module.
        pub fn tests() -> Vec<$crate::Test> {
            vec![$((concat!(module_path!(), "::", stringify!($name)), $name as fn($crate::Mode))),+]
        }
    };
}

/// Runs the tests, with the options of `cargo test`: `-- stale::` runs those over the stale store alone.
///
/// # Panics
/// When a setting makes no sense.
pub fn run(tests: Vec<Test>) -> ! {
    let seconds = std::env::var(STALE_VARIABLE).map_or(STALE_SECONDS, |text| {
        text.parse().ok().filter(|s| (1..=10).contains(s)).unwrap_or_else(|| {
            panic!("{STALE_VARIABLE} has to be a number of seconds from 1 to 10, not {text:?}")
        })
    });
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let trial = |mode: Mode, (name, test): Test| {
        // The first part is the name of the test binary.
        let name = name.split_once("::").map_or(name, |(_, rest)| rest);
        Trial::test(format!("{}::{name}", mode.name()), move || {
            test(mode);
            Ok(())
        })
    };
    // Those over the stale store wait the longest, so they begin first.
    let modes = [Mode::Stale { seconds }, Mode::Strong];
    let trials = modes.into_iter().flat_map(|mode| tests.iter().map(move |test| trial(mode, *test)));
    libtest_mimic::run(&arguments, trials.collect()).exit()
}
