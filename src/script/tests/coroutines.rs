//! Plain coroutines around async natives behave as if these were ordinary functions.

use std::time::{Duration, Instant};

use crate::script::testing::{Bench, runtime};
use crate::script::{Scoped, Task};

#[test]
fn async_natives_work_inside_coroutines() {
    let bench = Bench::new();
    let text = "
        local seen = {}
        local next = coroutine.wrap(function(a)
            nap(1)
            local b = coroutine.yield(a + 1)
            nap(1)
            coroutine.yield(b * 2, 'two', nil)
            return nap(1)
        end)
        table.insert(seen, next(1))
        table.insert(seen, select('#', next(10)))
        table.insert(seen, next())
        local co = coroutine.create(function(...) nap(1) return ... end)
        local ok, x, y, z = coroutine.resume(co, 7, nil, 9)
        table.insert(seen, if ok and y == nil then x + z else -1)
        table.insert(seen, coroutine.status(co))
        return table.concat(seen, ' ')";
    assert_eq!(bench.run::<String>(text).unwrap(), "2 3 1 16 dead");
}

#[test]
fn they_nest_and_iterate() {
    let bench = Bench::new();
    let text = "
        local function outer()
            return coroutine.wrap(function()
                local inner = coroutine.wrap(function()
                    for i = 1, 3 do nap(1) coroutine.yield(i) end
                end)
                for i in inner do
                    nap(1)
                    pcall(function() nap(1) coroutine.yield(i * 10) end)
                end
            end)
        end
        local sum = 0
        for value in outer() do sum += value end
        return sum, coroutine.isyieldable()";
    assert_eq!(bench.run::<(i32, bool)>(text).unwrap(), (60, true));
}

#[test]
fn errors_status_and_close_are_as_usual() {
    let bench = Bench::new();
    let text = "
        local co = coroutine.create(function() nap(1) error('x') end)
        local ok, e = coroutine.resume(co)
        local again, why = coroutine.resume(co)
        local open = coroutine.create(function() nap(1) coroutine.yield() end)
        local first = coroutine.resume(open)
        local before = coroutine.status(open)
        local closed = coroutine.close(open)
        local count = select('#', coroutine.resume(coroutine.create(function() end)))
        local native, text = coroutine.resume(coroutine.create(tools.fail_later), 'y')
        return tostring(ok) .. e, why, before .. coroutine.status(open), count, text";
    let (error, why, status, count, text): (String, String, String, i32, String) =
        bench.run(text).unwrap();
    assert_eq!(error, "falsemain.lua:2: x");
    assert_eq!(why, "cannot resume dead coroutine");
    assert_eq!(status, "suspendeddead");
    assert_eq!((count, text.as_str()), (1, "y"));
}

#[test]
fn two_virtual_users_wait_side_by_side() {
    let bench = Bench::new();
    let source = bench.sources.insert(
        "main.lua",
        "local n = ...
         local next = coroutine.wrap(function() while true do coroutine.yield(nap(n)) end end)
         local sum = 0
         for _ = 1, 5 do sum += next() end
         return sum",
    );
    let chunk = bench.vm.load(&source).unwrap();
    let started = Instant::now();
    let run = |n: u64| {
        let (body, _) = chunk.instance().unwrap();
        Scoped::new(Task::new(&bench.vu), body.call_async::<u64>(n))
    };
    let sums = runtime().block_on(async { tokio::join!(run(20), run(21), run(22)) });
    assert_eq!(
        (sums.0.unwrap(), sums.1.unwrap(), sums.2.unwrap()),
        (100, 105, 110)
    );
    assert!(started.elapsed() < Duration::from_millis(300));
}

#[test]
fn dropping_the_outermost_future_drops_the_innermost() {
    use std::cell::Cell;
    use std::rc::Rc;

    struct Held(Rc<Cell<u32>>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    let bench = Bench::new();
    let dropped = Rc::new(Cell::new(0));
    let count = Rc::clone(&dropped);
    let wait = bench.vm.lua().create_async_function(move |_, ()| {
        let held = Held(Rc::clone(&count));
        async move {
            let _held = held;
            std::future::pending::<()>().await;
            Ok(())
        }
    });
    let source = bench.sources.insert(
        "main.lua",
        "local wait = ...
         local reached = coroutine.wrap(function()
             coroutine.wrap(function() wait() end)()
         end)()
         went_on = true",
    );
    let (body, globals) = bench.vm.load(&source).unwrap().instance().unwrap();
    let call = body.call_async::<()>(wait.unwrap());
    let task = Task::new(&bench.vu);
    runtime().block_on(async {
        let call = Scoped::new(task, call);
        let result = tokio::time::timeout(Duration::from_millis(20), call).await;
        assert!(result.is_err());
    });
    assert_eq!(dropped.get(), 1);
    assert!(globals.get::<mlua::Value>("went_on").unwrap().is_nil());
}

#[test]
fn generators_without_natives_stay_fast() {
    let bench = Bench::new();
    let text = "
        local gen = coroutine.wrap(function() for i = 1, 200000 do coroutine.yield(i) end end)
        local sum = 0
        for i in gen do sum += i end
        return sum";
    let started = Instant::now();
    assert!((bench.run::<f64>(text).unwrap() - 20_000_100_000.0).abs() < 0.5);
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
}
