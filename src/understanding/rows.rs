//! Rows of numbers: sums of eight places side by side, which a processor adds at once, always in
//! the same order, so that every machine gets the same. Rows have a multiple of eight numbers;
//! what is beyond one is left out.

pub fn sum(row: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for chunk in row.as_chunks::<8>().0 {
        sums.iter_mut().zip(chunk).for_each(|(sum, one)| *sum += one);
    }
    sums.iter().sum()
}

/// The sum of the products, place by place.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

/// The largest number, whatever its sign, as a positive one; 0 of an empty row.
pub fn largest(row: &[f32]) -> f32 {
    row.iter().fold(0.0_f32, |most, one| most.max(one.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_sizes() {
        let a: Vec<f32> = (0..16_u8).map(f32::from).collect();
        let b: Vec<f32> = a.iter().map(|one| 1.0 - one).collect();
        assert_eq!(sum(&a), 120.0);
        assert_eq!(dot(&a, &b), 120.0 - 1_240.0);
        assert_eq!(largest(&b), 14.0);
        assert_eq!((sum(&[]), dot(&[], &a), largest(&[])), (0.0, 0.0, 0.0));
    }
}
