//! Numbers for people.

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// US cents, written as dollars.
    Cents,
    /// A part of a whole, written in per cent.
    Share,
    /// How many times, on the average.
    Times,
    /// Written in what fits.
    Seconds,
    /// Written with one decimal.
    Days,
}

impl Unit {
    /// What stands at the axis.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cents => "US dollars",
            Self::Share => "per cent",
            Self::Times => "times",
            Self::Seconds => "seconds, minutes, hours or days",
            Self::Days => "days",
        }
    }

    /// A value, short enough for an axis or the end of a bar.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Cents => money(value),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Times => format!("{value:.2}"),
            Self::Seconds => duration(value),
            Self::Days => format!("{value:.1} d"),
        }
    }
}

/// To the cent below ten thousand dollars, else to the dollar.
fn money(cents: f64) -> String {
    let dollars = cents / 100.0;
    let whole = grouped(dollars.trunc());
    if dollars.abs() >= 10_000.0 || cents.rem_euclid(100.0) == 0.0 {
        return format!("${}", grouped(dollars)).replace("$-", "-$");
    }
    let sign = if dollars < 0.0 { "-" } else { "" };
    let fraction = (cents.abs().rem_euclid(100.0)).round();
    format!("{sign}${}.{fraction:02}", whole.trim_start_matches('-'))
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

/// 1234567.4 is `1,234,567`.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    let sign = if number <= -0.5 { "-" } else { "" };
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_for_people() {
        for (unit, value, written) in [
            (Unit::Cents, 0.0, "$0"),
            (Unit::Cents, 499.0, "$4.99"),
            (Unit::Cents, -150.0, "-$1.50"),
            (Unit::Cents, 200_000.0, "$2,000"),
            (Unit::Cents, 2_142_084.0, "$21,421"),
            (Unit::Cents, -2_142_084.0, "-$21,421"),
            (Unit::Share, 0.1234, "12.3 %"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Seconds, 5_400.0, "90 min"),
            (Unit::Seconds, 90_000.0, "25.0 h"),
            (Unit::Seconds, 259_200.0, "3.0 d"),
            (Unit::Days, 12.34, "12.3 d"),
        ] {
            assert_eq!(unit.write(value), written, "{unit:?} {value}");
        }
    }
}
