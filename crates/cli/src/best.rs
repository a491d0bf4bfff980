//! Which of several choices no other beats.

/// For each choice whether no other is as good in everything and better in something; of each
/// number less is better. Of two alike, neither beats the other.
pub(crate) fn unbeaten<const N: usize>(choices: &[[f64; N]]) -> Vec<bool> {
    let is_beaten = |it: &[f64; N]| choices.iter().any(|other| beats(other, it));
    choices.iter().map(|it| !is_beaten(it)).collect()
}

fn beats<const N: usize>(one: &[f64; N], other: &[f64; N]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_in_all_or_alike_in_all_but_one_is_beaten() {
        let choices = [[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [3.0, 1.0], [1.0, 3.0], [4.0, 4.0]];
        assert_eq!(unbeaten(&choices), [true, true, false, true, true, false]);
        assert_eq!(unbeaten::<2>(&[]), [false; 0]);
    }
}
