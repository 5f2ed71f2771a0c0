//! The tables for people.

use super::survey::{Contents, Object, Survey};
use std::fmt::{self, Display, Formatter};

/// Partitions of an object that are told by name.
const PARTITIONS_TOLD: usize = 4;

/// A survey as it is printed. Keys come from the file, so whatever could move a terminal's cursor is escaped.
pub(super) struct Tables<'a>(pub &'a Survey);

impl Display for Tables<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(survey) = self;
        totals(f, survey)?;
        levels(f, survey)?;
        partitions(f, survey)?;
        objects(f, survey)?;
        others(f, survey)?;
        damage(f, survey)
    }
}

fn totals(f: &mut Formatter<'_>, survey: &Survey) -> fmt::Result {
    let replaced = survey.objects.iter().filter(|object| object.replaced).count();
    writeln!(f, "{}", survey.file.display())?;
    writeln!(f, "keys     {:>14} of {}", survey.keys, survey.keys_given)?;
    writeln!(f, "bytes    {:>14}", survey.bytes)?;
    writeln!(f, "objects  {:>14}, of which others replace {replaced}", survey.objects.len())
}

fn levels(f: &mut Formatter<'_>, survey: &Survey) -> fmt::Result {
    writeln!(f, "\nlevel  objects          bytes  average fill")?;
    for (number, level) in &survey.levels {
        let percent = 100.0 * level.fill;
        writeln!(f, "{number:>5}  {:>7}  {:>13}  {percent:>10.1} %", level.objects, level.bytes)?;
    }
    Ok(())
}

fn partitions(f: &mut Formatter<'_>, survey: &Survey) -> fmt::Result {
    writeln!(f, "\nentries            partitions     values  tombstones          bytes")?;
    for (name, kind) in &survey.partitions {
        let name = name.escape_debug().to_string();
        let (partitions, values) = (kind.partitions, kind.values);
        writeln!(f, "{name:<18} {partitions:>10}  {values:>9}  {:>10}  {:>13}", kind.tombstones, kind.bytes)?;
    }
    Ok(())
}

fn objects(f: &mut Formatter<'_>, survey: &Survey) -> fmt::Result {
    writeln!(
        f,
        "\nobject     level   part    bytes  values   tombs  ranges  inputs  made                  state"
    )?;
    for object in &survey.objects {
        let (part, parts) = object.part;
        let numbers = object.contents.as_ref().map_or_else(
            || format!("{:>6}  {:>6}  {:>6}", "?", "?", "?"),
            |held| format!("{:>6}  {:>6}  {:>6}", held.values, held.tombstones, held.range_tombstones),
        );
        writeln!(
            f,
            "{:<9}  {:>5}  {:>5}  {:>7}  {numbers}  {:>6}  {}  {}",
            object.id,
            object.level,
            format!("{part}/{parts}"),
            object.bytes,
            object.inputs.len(),
            object.made,
            state(object)
        )?;
        if let Some(contents) = &object.contents {
            second_line(f, contents)?;
        }
    }
    Ok(())
}

/// What an object's entries are, below its row.
fn second_line(f: &mut Formatter<'_>, contents: &Contents) -> fmt::Result {
    let Contents { partitions, committed, key_range, .. } = contents;
    let told: Vec<_> =
        partitions.iter().take(PARTITIONS_TOLD).map(|name| name.escape_debug().to_string()).collect();
    write!(f, "           {}", told.join(", "))?;
    if partitions.len() > PARTITIONS_TOLD {
        write!(f, " and {} more", partitions.len() - PARTITIONS_TOLD)?;
    }
    if let Some((first, last)) = committed {
        write!(f, "; committed {first} to {last}")?;
    }
    if let Some((first, last)) = key_range {
        write!(f, "; {} to {}", first.escape_debug(), last.escape_debug())?;
    }
    writeln!(f)
}

fn state(object: &Object) -> &'static str {
    match (&object.damage, object.replaced) {
        (Some(_), _) => "DAMAGED",
        (None, true) => "replaced",
        (None, false) => "standing",
    }
}

fn others(f: &mut Formatter<'_>, survey: &Survey) -> fmt::Result {
    if !survey.hints.is_empty() {
        writeln!(f, "\nhints")?;
        for hint in &survey.hints {
            writeln!(f, "{}", hint.escape_debug())?;
        }
    }
    if !survey.unknown.is_empty() {
        writeln!(f, "\nother keys")?;
        for unknown in &survey.unknown {
            let loss = if unknown.may_lose_entries { " (entries may be lost with it)" } else { "" };
            let (key, bytes) = (unknown.key.escape_debug(), unknown.bytes);
            writeln!(f, "{key}  {bytes} bytes: {}{loss}", unknown.reason)?;
        }
    }
    Ok(())
}

fn damage(f: &mut Formatter<'_>, survey: &Survey) -> fmt::Result {
    let damaged: Vec<_> =
        survey.objects.iter().filter_map(|object| Some((object, object.damage.as_ref()?))).collect();
    if damaged.is_empty() {
        return writeln!(f, "\nno object is damaged");
    }
    writeln!(f, "\ndamaged objects")?;
    for (object, reason) in damaged {
        let saved = if object.replaced { " (others hold all that it held)" } else { "" };
        writeln!(f, "{}  {reason}{saved}", object.key.escape_debug())?;
    }
    Ok(())
}
