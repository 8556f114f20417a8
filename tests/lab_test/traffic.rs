//! What a sender says it sent is what a capture counts.

use std::time::Duration;

use anyhow::Result;
use lab::frame::{Ethernet, Flow, Frame, Ipv4, Tag, Udp};
use lab::{Capture, Lab, Pace, Port, Sender};

const DEADLINE: Duration = Duration::from_secs(20);

fn linked(lab: &mut Lab) -> Result<(Port, Port)> {
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    lab.link((&a, "eth0"), (&b, "eth0"))
}

/// Flow `number` of many: its source port tells it from the others.
fn frame(from: &Port, to: &Port, number: u16) -> Vec<u8> {
    Frame::new(Ethernet::new(to.mac(), from.mac()))
        .ipv4(Ipv4::new([192, 0, 2, 1], [203, 0, 113, 9]))
        .udp(Udp::new(number, 53))
        .pad_to(60)
        .build()
}

fn is_ours(flow: &Flow) -> bool {
    flow.protocol == 17 && flow.destination_port == 53
}

#[test]
fn twenty_thousand_frames_are_counted_to_the_last_one() -> Result<()> {
    let mut lab = Lab::new("count")?;
    let (a, b) = linked(&mut lab)?;
    let capture = Capture::flows(&b, is_ours)?;
    let frames: Vec<Vec<u8>> = (0..20_000)
        .map(|number| frame(&a, &b, 1000 + number % 500))
        .collect();

    assert_eq!(
        Sender::open(&a)?.send_all(&frames, Pace::Unlimited)?,
        20_000
    );
    capture.wait_for_total(20_000, DEADLINE)?;

    let captured = capture.stop()?;
    assert_eq!(captured.dropped, 0);
    assert_eq!(captured.state.len(), 500);
    assert!(captured.state.values().all(|&count| count == 40));
    Ok(())
}

#[test]
fn a_stream_keeps_its_pace_and_knows_what_it_sent_of_each_flow() -> Result<()> {
    let mut lab = Lab::new("stream")?;
    let (a, b) = linked(&mut lab)?;
    let capture = Capture::flows(&b, is_ours)?;
    let frames = (0..7).map(|number| frame(&a, &b, 1000 + number)).collect();

    let start = std::time::Instant::now();
    let stream = Sender::open(&a)?.stream(frames, Pace::PerSecond(5_000))?;
    capture.wait_for_total(1_000, DEADLINE)?;
    let sent = stream.stop()?;
    let most = start.elapsed().as_secs_f64() * 5_000.0 + 1.0;
    capture.wait_for_total(sent.total, DEADLINE)?;

    assert!(
        sent.total as f64 <= most,
        "{} sent, {most} allowed",
        sent.total
    );
    let captured = capture.stop()?;
    for (flow, count) in &captured.state {
        let position = usize::from(flow.source_port - 1000);
        assert_eq!(*count, sent.of(position), "{flow:?}");
    }
    assert_eq!(captured.state.values().sum::<u64>(), sent.total);
    Ok(())
}

#[test]
fn a_captured_frame_is_the_frame_that_was_sent_tags_included() -> Result<()> {
    let mut lab = Lab::new("bytes")?;
    let (a, b) = linked(&mut lab)?;
    let mac = a.mac();
    let capture = Capture::frames(&b, move |frame| {
        frame.get(6..12) == Some(mac.0.as_slice()) && frame.ends_with(b"mark")
    })?;
    let mut tagged = Ethernet::new(b.mac(), a.mac());
    tagged.tags = vec![
        Tag {
            tpid: 0x88a8,
            control: 100,
        },
        Tag::vlan(7),
    ];
    let packet = |ethernet| {
        Frame::new(ethernet)
            .ipv4(Ipv4::new([192, 0, 2, 1], [203, 0, 113, 9]))
            .udp(Udp::new(1, 2))
            .payload(b"mark")
            .build()
    };
    let sent = vec![packet(Ethernet::new(b.mac(), a.mac())), packet(tagged)];
    Sender::open(&a)?.send_all(&sent, Pace::Unlimited)?;
    assert_eq!(capture.wait_for(2, DEADLINE)?, sent);
    Ok(())
}

#[test]
fn sending_on_a_port_that_is_down_is_an_error() -> Result<()> {
    let mut lab = Lab::new("down")?;
    let (a, b) = linked(&mut lab)?;
    let sender = Sender::open(&a)?;
    a.down()?;
    let error = sender.send(&frame(&a, &b, 1)).unwrap_err();
    assert!(
        format!("{error:#}").starts_with("sending on a:eth0"),
        "{error:#}"
    );
    Ok(())
}
