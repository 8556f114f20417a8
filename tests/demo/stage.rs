//! Where the play is seen: on a terminal as a picture that is redrawn in place, anywhere else as lines.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::network::{TARGETS, Target};
use crate::router::Inquirer;
use crate::screen::Screen;
use crate::traffic::Gauges;
use crate::view::{self, Picture, Prefix, Reading};

/// Between two pictures.
const REDRAW: Duration = Duration::from_millis(200);
/// The router takes as long to answer for its rates, which also paces the questions.
const RATES_OVER: &str = "500ms";
const TOP: usize = 12;

/// One event of the play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) state: State,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Done,
    Failed,
}

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output, redrawn in place when it is a terminal.
    People,
    /// Standard error, line by line: standard output is for the machine's summary.
    Machine,
}

pub(crate) struct Stage {
    started: Instant,
    output: Output,
    board: Arc<Mutex<Board>>,
    painter: Option<Worker>,
    poller: Mutex<Option<Worker>>,
}

#[derive(Default)]
struct Board {
    acts: Vec<Act>,
    notes: [Option<&'static str>; TARGETS],
    gauges: Option<Arc<Gauges>>,
    reading: Reading,
}

/// A thread that is told to end by dropping the sender.
struct Worker {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Stage {
    pub(crate) fn open(output: Output, peers: &'static str) -> Self {
        let started = Instant::now();
        let board = Arc::new(Mutex::new(Board::default()));
        let live = output == Output::People && io::stdout().is_terminal();
        let painter = live.then(|| {
            let board = board.clone();
            Worker::start(move |stopped| paint(&board, started, peers, stopped))
        });
        Self {
            started,
            output,
            board,
            painter,
            poller: Mutex::new(None),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// From here on the picture shows the router and the traffic.
    pub(crate) fn attend(&self, inquirer: Inquirer, gauges: Arc<Gauges>) {
        lock(&self.board).gauges = Some(gauges);
        if self.painter.is_some() {
            let board = self.board.clone();
            let poller = Worker::start(move |stopped| poll(&inquirer, &board, stopped));
            *lock(&self.poller) = Some(poller);
        }
    }

    pub(crate) fn begin(&self, text: &str) {
        lock(&self.board).acts.push(Act {
            state: State::Running,
            text: text.to_owned(),
        });
    }

    /// Ends the present act, with what it showed.
    pub(crate) fn done(&self, text: &str) {
        self.end(State::Done, text);
    }

    pub(crate) fn failed(&self, text: &str) {
        self.end(State::Failed, text);
    }

    fn end(&self, state: State, text: &str) {
        let act = Act {
            state,
            text: text.to_owned(),
        };
        if self.painter.is_none() {
            let seconds = self.elapsed().as_secs_f64();
            let line = format!("{seconds:5.1} s  {}", view::plain(&act));
            // Progress that nobody can read is no reason to stop.
            let _unread = match self.output {
                Output::People => writeln!(io::stdout(), "{line}"),
                Output::Machine => writeln!(io::stderr(), "{line}"),
            };
        }
        let mut board = lock(&self.board);
        board.acts.pop_if(|act| act.state == State::Running);
        board.acts.push(act);
    }

    /// What is the matter with a target, to be shown beside it.
    pub(crate) fn note(&self, target: Target, note: Option<&'static str>) {
        lock(&self.board).notes[target.0] = note;
    }

    /// Draws the last picture and leaves it.
    pub(crate) fn close(self) {
        let poller = self
            .poller
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for worker in poller.into_iter().chain(self.painter) {
            worker.stop();
        }
    }
}

impl Worker {
    /// `work` is given a function that waits for a while and says whether to end.
    fn start(work: impl FnOnce(&dyn Fn(Duration) -> bool) + Send + 'static) -> Self {
        let (stop, stopped) = mpsc::channel();
        let wait = move |pause| stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
        Self {
            stop,
            thread: thread::spawn(move || work(&wait)),
        }
    }

    fn stop(self) {
        drop(self.stop);
        // Its panic has been printed; the picture is not what the demo is about.
        let _panicked = self.thread.join().is_err();
    }
}

fn paint(
    board: &Mutex<Board>,
    started: Instant,
    peers: &'static str,
    stopped: &dyn Fn(Duration) -> bool,
) {
    let mut screen = Screen::open();
    let mut rates = Rates::default();
    loop {
        let last = stopped(REDRAW);
        let picture = picture(&lock(board), &mut rates, started, peers);
        screen.draw(&view::render(&picture, screen.style()));
        if last {
            return;
        }
    }
}

fn picture(board: &Board, rates: &mut Rates, started: Instant, peers: &'static str) -> Picture {
    let gauges = board.gauges.as_deref();
    Picture {
        peers,
        elapsed: started.elapsed(),
        acts: board.acts.clone(),
        notes: board.notes,
        flows: gauges.map(Gauges::flows).unwrap_or_default(),
        rates: gauges.map(|gauges| rates.of(gauges)).unwrap_or_default(),
        reading: board.reading.clone(),
    }
}

/// Frames a second by target, over about a second.
#[derive(Default)]
struct Rates {
    readings: std::collections::VecDeque<(Instant, [u64; TARGETS])>,
}

impl Rates {
    const READINGS: usize = 6;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "packets a second, for people"
    )]
    fn of(&mut self, gauges: &Gauges) -> [u64; TARGETS] {
        let now = (Instant::now(), gauges.arrived());
        let then = self.readings.front().copied().unwrap_or(now);
        self.readings.push_back(now);
        if self.readings.len() > Self::READINGS {
            self.readings.pop_front();
        }
        let seconds = (now.0 - then.0).as_secs_f64();
        std::array::from_fn(|target| {
            let more = (now.1[target] - then.1[target]) as f64;
            if seconds > 0.0 {
                (more / seconds).round() as u64
            } else {
                0
            }
        })
    }
}

/// Asks the router again and again. What it does not answer, because it is down, stays as it was but the sessions.
fn poll(inquirer: &Inquirer, board: &Mutex<Board>, stopped: &dyn Fn(Duration) -> bool) {
    while !stopped(Duration::from_millis(50)) {
        let sessions = inquirer.sessions().ok();
        let accounting = inquirer.accounting().ok();
        let engine = inquirer.fib().ok().map(|fib| fib.engine);
        {
            let reading = &mut lock(board).reading;
            reading.sessions = sessions;
            reading.engine = engine.or(reading.engine.take());
            if let Some(accounting) = &accounting {
                reading.verdicts = view::verdicts(accounting);
            }
        }
        if let Ok(stats) = inquirer.top_prefixes(TOP, RATES_OVER) {
            lock(board).reading.prefixes = stats.rows.iter().map(Prefix::of).collect();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
