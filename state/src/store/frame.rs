//! Records in a file, one after the other, each with length, sequence number and checksums.
//!
//! | bytes | content, numbers little-endian |
//! |---|---|
//! | 0..4 | length of the payload |
//! | 4..12 | sequence number |
//! | 12..16 | CRC-32 of the payload |
//! | 16..20 | CRC-32 of bytes 0..16 |
//! | 20.. | payload: JSON |
//!
//! The head has a checksum of its own, so that a damaged length is told from a record that was cut
//! off. What a crash may leave at the end of the file is told from damage: a file that is too short for
//! the record, or zeros where the system had made room and not yet written. JSON holds no zero byte, so no
//! whole record ends in one.

const HEAD: usize = 20;

/// Appends one record to a buffer. The payload must be shorter than 4 GiB.
pub(super) fn encode(seq: u64, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("a record is far below 4 GiB");
    let start = out.len();
    out.extend(length.to_le_bytes());
    out.extend(seq.to_le_bytes());
    out.extend(crc32fast::hash(payload).to_le_bytes());
    let head = crc32fast::hash(&out[start..]);
    out.extend(head.to_le_bytes());
    out.extend(payload);
}

/// What stands at some place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A whole record; the next one starts at `next`.
    Whole { seq: u64, payload: &'a [u8], next: usize },
    /// The end of the file.
    End,
    /// What a crash leaves of a record that was being written.
    Torn,
    /// Anything else.
    Damaged(&'static str),
}

/// Reads the record that starts at `at`.
pub(super) fn decode(bytes: &[u8], at: usize) -> Frame<'_> {
    let rest = &bytes[at..];
    if rest.is_empty() {
        return Frame::End;
    }
    let Some((head, body)) = rest.split_at_checked(HEAD) else { return Frame::Torn };
    let number =
        |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
    // Where the zeros at the end of the file begin.
    let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let unsound = |end: usize, what| if written < end { Frame::Torn } else { Frame::Damaged(what) };
    if crc32fast::hash(&head[..16]) != number(16) {
        return unsound(HEAD, "the head of a record fails its checksum");
    }
    let Some(payload) = body.get(..number(0) as usize) else { return Frame::Torn };
    let end = HEAD + payload.len();
    if crc32fast::hash(payload) != number(12) {
        return unsound(end, "a record fails its checksum");
    }
    let seq = u64::from(number(4)) | u64::from(number(8)) << 32;
    Frame::Whole { seq, payload, next: at + end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(7, b"{\"a\":1}", &mut bytes);
        encode(u64::MAX, b"{}", &mut bytes);
        bytes
    }

    #[test]
    fn records_are_read_back() {
        let bytes = two();
        assert_eq!(decode(&bytes, 0), Frame::Whole { seq: 7, payload: b"{\"a\":1}", next: 27 });
        assert_eq!(decode(&bytes, 27), Frame::Whole { seq: u64::MAX, payload: b"{}", next: 49 });
        assert_eq!(decode(&bytes, 49), Frame::End);
    }

    #[test]
    fn a_cut_is_torn_wherever_it_is() {
        let bytes = two();
        for cut in 28..49 {
            assert_eq!(decode(&bytes[..cut], 27), Frame::Torn, "cut at {cut}");
        }
    }

    #[test]
    fn room_that_was_never_written_is_torn() {
        let bytes = two();
        for written in 27..49 {
            for length in [49, 60, 200] {
                let mut torn = bytes[..written].to_vec();
                torn.resize(length, 0);
                assert_eq!(decode(&torn, 27), Frame::Torn, "zeros from {written} to {length}");
            }
        }
    }

    #[test]
    fn damage_before_a_torn_end_is_not_taken_for_it() {
        for byte in 0..27 {
            let mut bytes = two();
            bytes[byte] ^= 0x10;
            bytes.resize(60, 0);
            assert!(matches!(decode(&bytes, 0), Frame::Damaged(_)), "byte {byte}");
        }
    }

    #[test]
    fn every_flipped_bit_is_damage() {
        for bit in 0..49 * 8 {
            let mut bytes = two();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let at = if bit / 8 < 27 { 0 } else { 27 };
            assert!(matches!(decode(&bytes, at), Frame::Damaged(_)), "bit {bit}: {:?}", decode(&bytes, at));
        }
    }
}
