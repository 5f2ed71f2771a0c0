//! The end: what is live must be exactly what was written, and what is stored is weighed.

use super::content::keys;
use super::deployment::Deployment;
use crate::drive;
use anyhow::{Context as _, Result};
use std::collections::BTreeSet;
use tidings_ledger::{Direction, Entry, Range, inspect};

/// Entries that are compared at once: pictures of 400 KB among them.
const PAGE: usize = 1_000;

/// Differences that are told one by one.
const TOLD: usize = 10;

/// What is stored, by kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Weight {
    pub stored_images: u64,
    pub stored_text: u64,
    /// Objects that hold what others hold as well, until their grace is over.
    pub replaced_objects: usize,
    /// Partitions with entries in any stored object.
    partitions: BTreeSet<String>,
    pub damaged: Vec<String>,
}

/// Weighs every stored object before compression: its size is shared among its entries. What is replaced and not removed
/// yet counts like the rest.
pub(super) fn weigh(deployment: &Deployment) -> Weight {
    let mut weight = Weight::default();
    let mut names = Vec::new();
    deployment.store.inspect(|key, body| {
        names.push(key.to_owned());
        match inspect::held(key, body.to_vec()) {
            Ok((_, held)) => {
                for (partition, of) in held.partitions {
                    let kind = match partition.as_str() {
                        keys::BLOB => &mut weight.stored_images,
                        _ => &mut weight.stored_text,
                    };
                    *kind += of.plain_bytes;
                    weight.partitions.insert(partition);
                }
            }
            Err(reason) => weight.damaged.push(format!("{key}: {reason}")),
        }
    });
    let listed = inspect::listed(names);
    weight.replaced_objects = listed.objects.iter().filter(|object| object.is_replaced).count();
    weight
}

/// Reads everything and compares. Returns the first differences in words.
pub(super) fn compare(deployment: &mut Deployment, weight: &Weight) -> Result<Vec<String>> {
    let mut partitions = deployment.mirror.partitions();
    partitions.extend(weight.partitions.iter().cloned());
    let mut differences = Vec::new();
    let mut found = 0;
    for partition in partitions {
        let mut rest = Range::partition(&partition);
        loop {
            let ledger = deployment.ledger();
            let page = drive(async {
                let view = ledger.view().await?;
                view.scan(rest.clone(), Direction::Forward, PAGE).await
            })
            .with_context(|| format!("cannot read {partition} at the end"))?;
            found += page.len();
            differences.extend(page.iter().filter_map(|entry| difference(deployment, entry)));
            match page.last() {
                Some(last) if page.len() == PAGE => rest = rest.after(&last.key),
                _ => break,
            }
        }
    }
    let live = deployment.mirror.live();
    let all = differences.len();
    differences.truncate(TOLD);
    if all > TOLD {
        differences.push(format!("... and {} more", all - TOLD));
    }
    if found != live {
        differences.push(format!("{live} entries should be live, {found} are"));
    }
    Ok(differences)
}

fn difference(deployment: &Deployment, entry: &Entry) -> Option<String> {
    let expected = deployment.mirror.expected(&entry.key);
    let read = super::mirror::Print::of(&entry.value);
    match expected {
        Some(expected) if expected == read => None,
        Some(_) => Some(format!("{} has another value than the last one written", entry.key)),
        None => Some(format!("{} is back although it was deleted", entry.key)),
    }
}
