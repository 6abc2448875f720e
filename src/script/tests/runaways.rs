//! Scripts that do not stop by themselves are stopped, and the machine serves others afterwards.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::script::testing::{Bench, runtime};
use crate::script::{Kind, Limits, Scoped, Stall, Task, Watchdog};

const LIMIT: Duration = Duration::from_millis(150);

/// Generous: the machine that runs the tests is busy.
const SLACK: Duration = Duration::from_millis(1500);

fn watched(bench: &Bench, limit: Duration) -> (Watchdog, Arc<Mutex<Vec<Stall>>>) {
    let stalls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&stalls);
    let dog = Watchdog::start(move |stall| seen.lock().unwrap().push(stall)).unwrap();
    let limits = Limits {
        warn: Duration::from_millis(40),
        limit,
    };
    dog.register(&bench.pulse, limits);
    (dog, stalls)
}

const RUNAWAYS: &[(&str, &str)] = &[
    ("loop", "while true do end"),
    (
        "pcall",
        "while true do pcall(function() while true do end end) end",
    ),
    (
        "nested pcall",
        "local function f() pcall(f) while true do end end f()",
    ),
    (
        "xpcall",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
    ),
    ("wrap", "coroutine.wrap(function() while true do end end)()"),
    (
        "resume",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    ),
    (
        "yielding",
        "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    ),
    (
        "pattern",
        "local s = string.rep('a', 30) return s:find(string.rep('a?', 30) .. string.rep('a', 30)), (string.rep('a', 300)):match(string.rep('.-', 30) .. 'b')",
    ),
    (
        "sort",
        "local t = {} for i = 1, 3e6 do t[i] = (i * 7919) % 1000003 end table.sort(t, function(a, b) return a < b end) while true do table.sort(t, function(a, b) return a > b end) end",
    ),
    (
        "metamethod",
        "local t t = setmetatable({}, { __index = function(_, k) while true do end end }) return t.x",
    ),
    (
        "recursion",
        "local function f(n) return f(n + 1) end while true do pcall(f, 1) end",
    ),
    ("natives", "while true do pcall(tools.fail, 'x') end"),
    (
        "gsub",
        "string.rep('a', 1e6):gsub('a', function() while true do end end)",
    ),
];

#[test]
fn every_kind_of_runaway_dies_at_the_limit() {
    for (name, text) in RUNAWAYS {
        let bench = Bench::new();
        let (_dog, stalls) = watched(&bench, LIMIT);
        let started = Instant::now();
        let error = bench.fails(text);
        let took = started.elapsed();
        assert_eq!(error.kind, Kind::CpuLimit, "{name}: {error}");
        assert!(took >= LIMIT && took < LIMIT + SLACK, "{name}: {took:?}");
        assert!(error.message.contains("150ms"), "{name}: {error}");
        assert_eq!(error.location.unwrap().line, 1, "{name}");
        assert_eq!(
            bench.run_named::<i32>("after.lua", "return 1 + 1"),
            Ok(2),
            "{name}"
        );
        let found = stalls.lock().unwrap().clone();
        assert!(
            found.iter().any(|stall| stall.condemned),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn one_runaway_does_not_harm_its_neighbours() {
    let bench = Bench::new();
    let (_dog, _) = watched(&bench, LIMIT);
    let bad = bench.sources.insert("bad.lua", "nap(5) while true do end");
    let good = bench.sources.insert(
        "good.lua",
        "local n = 0 for i = 1, 40 do nap(10) n += 1 end return n",
    );
    let start = |source| {
        let (body, _) = bench.vm.load(source).unwrap().instance().unwrap();
        let vu = bench.another();
        Scoped::new(Task::new(&vu), body.call_async::<Option<u32>>(()))
    };
    let (bad, good) = runtime().block_on(async { tokio::join!(start(&bad), start(&good)) });
    assert!(bad.is_err());
    assert_eq!(good.unwrap(), Some(40));
}

#[test]
fn a_long_slice_is_reported_once_per_place() {
    let bench = Bench::new();
    let (dog, stalls) = watched(&bench, Duration::from_secs(60));
    // Work, not a time on the wall: what the system gives to others does not count.
    let text = "local x = 0\nfor i = 1, 100000000 do\n x = x + 1 end\nreturn 1";
    for _ in 0..2 {
        assert_eq!(bench.run::<i32>(text), Ok(1));
        std::thread::sleep(Duration::from_millis(30));
    }
    drop(dog);
    let found = stalls.lock().unwrap().clone();
    assert_eq!(found.len(), 2, "{found:?}");
    for stall in &found {
        let place = stall.place.as_ref().unwrap();
        assert_eq!(&*place.file, "main.lua");
        assert!((2..=3).contains(&place.line), "{place}");
        assert!(!stall.condemned);
        assert!(stall.duration >= Duration::from_millis(100), "{stall:?}");
    }
    assert!(found[0].first);
}

#[test]
fn the_end_of_a_scenario_kills_its_slices_only() {
    let bench = Bench::new();
    let (dog, _) = watched(&bench, Duration::from_secs(60));
    bench.vu.scenario_number.set(3);
    dog.kill_scenario(3, Instant::now() + Duration::from_millis(100));
    let started = Instant::now();
    let error = bench.fails("while true do pcall(function() while true do end end) end");
    assert_eq!(error.kind, Kind::Interrupted);
    assert!(started.elapsed() >= Duration::from_millis(95));
    bench.vu.scenario_number.set(4);
    let text = "local until_ = os.clock() + 0.05 while os.clock() < until_ do end return 1";
    assert_eq!(bench.run_named::<i32>("other.lua", text), Ok(1));
}

#[test]
fn everything_running_can_be_killed() {
    let bench = Bench::new();
    let (dog, _) = watched(&bench, Duration::from_secs(60));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            dog.kill_all();
        });
        assert_eq!(bench.fails("while true do end").kind, Kind::Interrupted);
    });
    assert_eq!(
        bench.run_named::<i32>("after.lua", "nap(1) return 2"),
        Ok(2)
    );
}

#[test]
fn a_stopped_virtual_user_wakes_and_unwinds_at_once() {
    for text in [
        "nap(60000)",
        "coroutine.wrap(function() nap(60000) end)()",
        "while true do pcall(nap, 60000) end",
        "while true do pcall(function() coroutine.wrap(function() pcall(nap, 60000) end)() end) end",
    ] {
        let bench = Bench::new();
        let source = bench.sources.insert("main.lua", text);
        let (body, _) = bench.vm.load(&source).unwrap().instance().unwrap();
        let call = Scoped::new(Task::new(&bench.vu), body.call_async::<()>(()));
        let started = Instant::now();
        let result = runtime().block_on(async {
            let stop = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                bench.vu.stop();
            };
            tokio::join!(call, stop).0
        });
        let error = bench.vu.verdict(&result.unwrap_err());
        assert_eq!(error.kind, Kind::Interrupted, "{text}");
        assert!(started.elapsed() < SLACK, "{text}: {:?}", started.elapsed());
        bench.vu.restart();
        assert_eq!(bench.run_named::<u64>("after.lua", "return nap(1)"), Ok(1));
    }
}

#[test]
fn a_machine_can_go_while_it_is_watched() {
    let (dog, pulse) = {
        let bench = Bench::new();
        let (dog, _) = watched(&bench, Duration::from_millis(1));
        (dog, Arc::clone(&bench.pulse))
    };
    // The pulse outlives its machine; arming it must touch nothing.
    let slice = pulse.begin(0);
    dog.kill_all();
    std::thread::sleep(Duration::from_millis(60));
    drop(slice);
}
