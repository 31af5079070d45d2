//! A chunked body ends where RFC 9112 says, wherever it is cut, or is refused.

use super::Chunks;

/// Bytes that belong to the body, and whether it has ended; the body is given in pieces that end at `cuts`.
fn follow(body: &[u8], cuts: &[usize]) -> Result<(usize, bool), &'static str> {
    let mut chunks = Chunks::START;
    let (mut taken, mut from) = (0, 0);
    for to in cuts.iter().copied().chain([body.len()]) {
        taken += chunks.advance(&body[from..to]).map_err(|refusal| refusal.code)?;
        from = to;
    }
    Ok((taken, chunks.ended()))
}

#[test]
fn a_body_ends_at_its_last_byte_wherever_it_is_cut() {
    let bodies: [&[u8]; 5] = [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"00000000000000aB\r\n\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n!\r\n0\r\n\r\n".as_slice(),
        b"1;name=\"va;lue\"\r\nx\r\n0;\r\n\r\n",
        b"3\r\n\r\n0\r\n1\r\n\n\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let longer = [body, b"GET / HTTP/1.1\r\n"].concat();
        let whole = follow(&longer, &[]);
        for cut in 0..=body.len() {
            assert_eq!(follow(&longer, &[cut]), whole, "{body:?} cut at {cut}");
        }
        assert_eq!(follow(&longer, &(0..body.len()).collect::<Vec<_>>()), whole, "{body:?} byte for byte");
    }
    for body in [bodies[0], bodies[1], bodies[3], bodies[4]] {
        assert_eq!(follow(&[body, b"GET"].concat(), &[]), Ok((body.len(), true)), "{body:?}");
    }
}

#[test]
fn everything_else_is_refused() {
    let long_extension = [b"1;".as_slice(), &[b'a'; 5000]].concat();
    let rows: [(&str, &[u8]); 20] = [
        ("bad_chunk_size", b"0x1\r\na\r\n"),
        ("bad_chunk_size", b"0_1\r\na\r\n"),
        ("bad_chunk_size", b"+1\r\na\r\n"),
        ("bad_chunk_size", b"-1\r\na\r\n"),
        ("bad_chunk_size", b" 1\r\na\r\n"),
        ("bad_chunk_size", b"1 \r\na\r\n"),
        ("bad_chunk_size", b"\r\na\r\n"),
        ("bad_chunk_size", b";x\r\na\r\n"),
        ("bad_chunk_size", b"1\na\r\n"),
        ("bad_chunk_size", b"1\r\ra\r\n"),
        ("bad_chunk_size", b"00000000000000001\r\na\r\n"),
        ("bad_chunk_extension", b"1;a\nb\r\na\r\n"),
        ("bad_chunk_extension", b"1;a\0b\r\na\r\n"),
        ("bad_chunk_extension", &long_extension),
        ("bad_chunk_end", b"1\r\nab\r\n"),
        ("bad_chunk_end", b"1\r\na\n0\r\n\r\n"),
        ("bad_chunk_end", b"1\r\na\r0\r\n\r\n"),
        ("trailers_refused", b"0\r\nX: y\r\n\r\n"),
        ("trailers_refused", b"0\r\n\n"),
        ("bad_chunk_end", b"0\r\n\rX"),
    ];
    for (code, body) in rows {
        assert_eq!(follow(body, &[]), Err(code), "{:?}", String::from_utf8_lossy(&body[..body.len().min(40)]));
        assert_eq!(follow(body, &(0..body.len()).collect::<Vec<_>>()), Err(code), "byte for byte");
    }
}
