-- WC-001 to WC-005: do jobs come to their end when workers die? Four workers register with a lease, take jobs from a queue
-- in Redis, and keep each in a list of their own until it is done; a keeper gives back what the dead held. Every job must be
-- done, and done once. One more scenario is one more row of workers.json.
-- --env KEEPER=off is a queue that loses what the dead held; --env FENCE=off are workers that finish what was given away.
-- Needs root: WC-003 sets a limit of memory by a control group, and the kernel kills the worker that needs more.
-- flags: --time-scale 0.1
-- needs: root, cgroup, redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(25000)
local queue, submitted

-- Asked to stop, it does what it has begun, and ends. A job is its own as long as it is in its list.
local WORKER = [[
r() { redis-cli -p "$PORT" "$@"; }
me="$ME-$$" stop=
trap 'stop=1' TERM
r SET "registering:$me" 1 PX 5000 >/dev/null
sleep 0.5
r SET "worker:$me" 1 PX 1500 >/dev/null
r DEL "registering:$me" >/dev/null
while [ -z "$stop" ]; do
    r SET "worker:$me" 1 PX 1500 >/dev/null
    job=$(r LMOVE jobs "held:$me" LEFT RIGHT)
    case $job in
        '') sleep 0.05; continue ;;
        large*) needed=$(head -c 24000000 /dev/zero | tr '\0' x); needed= ;;
        slow*) sleep 1.3 ;;
    esac
    sleep 0.2
    r EVAL "$FINISH" 2 "held:$me" "done:$job" "$job" >/dev/null
done
r DEL "worker:$me" >/dev/null
]]
local FINISH = [[
if redis.call('LREM', KEYS[1], 0, ARGV[1]) > 0 or FENCE == 'off' then
    redis.call('INCR', KEYS[2])
    redis.call('INCR', 'finished')
end
]]
-- Starts again what has ended, as a service manager does.
local MANAGER = 'while :; do sh -c "$WORKER" "$MARK"; sleep 0.3; done'
local KEEPER = [[
r() { redis-cli -p "$PORT" "$@"; }
while :; do
    for list in $(r KEYS 'held:*'); do
        [ "$(r EXISTS "worker:${list#held:}")" != 0 ] || while [ -n "$(r LMOVE "$list" jobs RIGHT LEFT)" ]; do :; done
    done
    sleep 0.3
done
]]

setup(function()
    queue = standins.redis { port = port }
    submitted = 0
    local finish = string.gsub(FINISH, "FENCE", `'{env("FENCE", "on")}'`)
    for number = 1, 4 do
        process.spawn {
            name = `worker {number}`, cmd = { "sh", "-c", MANAGER, `rbee-manager-{port}-{number}.` },
            env = { PORT = tostring(port), ME = tostring(number), WORKER = WORKER, FINISH = finish, MARK = `rbee-worker-{port}-{number}.` },
        }
    end
    if env("KEEPER") ~= "off" then
        process.spawn { name = "keeper", cmd = { "sh", "-c", KEEPER }, env = { PORT = tostring(port) } }
    end
end)

local function submit(count, kind)
    local lines = {}
    for number = 1, count do
        submitted += 1
        lines[number] = `RPUSH jobs {kind or "job"}-{submitted}`
    end
    queue:pipe(lines)
end

-- Whether all jobs are done; those that are done twice count twice.
local function finished() return tonumber(queue:command("GET", "finished")) or 0 end
local function unfinished() return submitted - (queue:keys("done:*") or 0) end

local function process_of(name)
    return process.find { pid = tonumber(string.match(name, "%-(%d+)")), cmdline = `rbee-worker-{port}-`, allow_empty = true }
end

-- One of those that have such a key, "held" or "registering", and its name: its number and its pid.
local function one(kind)
    local name
    eventually(`one is {kind}`, function()
        name = string.match(queue:command("KEYS", kind .. ":*") or "", ":(%d+%-%d+)")
        return name
    end, { within = "10s", every = "20ms" })
    return process_of(name):list()[1] or fail(`worker {name} has ended`), name
end

-- A share of those that are registered, by lot.
local function some(share)
    local found = {}
    for name in string.gmatch(queue:command("KEYS", "worker:*") or "", ":(%d+%-%d+)") do
        table.insert(found, process_of(name))
    end
    local count = #found * tonumber(string.match(share, "%d+")) // 100
    while #found > count do table.remove(found, math.random(#found)) end
    return found
end

local function read(path) return process.run({ cmd = { "cat", path } }).stdout end

-- How often the kernel has killed in the group that limits a process: version 1 or 2.
local function kills(victim)
    local groups = read(`/proc/{victim.pid}/cgroup`)
    local old, new = string.match(groups, "%d+:memory:([^\n]+)"), string.match(groups, "0::([^\n]+)")
    local file = if old then `/sys/fs/cgroup/memory{old}/memory.oom_control` else `/sys/fs/cgroup{new}/memory.events`
    return function() return tonumber(string.match(read(file), "oom_kill (%d+)")) or 0 end
end

-- What is done and looked at when the fault is there.
local seen

local faults = {
    crash = function(fault)
        submit(8)
        seen = function() return true end
        if fault.when == "registering" then
            -- One that is new: it has said that it comes, and is not there yet.
            inject((one("held")):kill(fault.signal), { name = "to be started again" }):heal()
            return (one("registering")):kill(fault.signal)
        end
        local kills = {}
        for number, victim in if fault.share then some(fault.share) else { (one("held")) } do
            kills[number] = victim:kill(fault.signal)
        end
        return kills
    end,
    -- A limit for one worker, and for whoever starts it again: the next large job does not fit in. The others have none.
    memory = function(fault)
        submit(8)
        local victim, name = one("held")
        local killed
        seen = function()
            if not killed then
                killed = kills(victim)
                submit(8, fault.job)
            end
            return killed() > 0 and #process_of(name):list() == 0
        end
        return process.find({ cmdline = `-{port}-{string.match(name, "%d+")}.` }):limit { memory = fault.limit }
    end,
    -- One that hangs does not end when it is asked to. Its lease runs out and its job is given to another; when it goes
    -- on it must not finish that, too.
    hang = function(fault)
        submit(4, "slow")
        local victim, name = one("held")
        seen = function() return queue:command("EXISTS", "held:" .. name) == "0" end
        return { victim:pause(), victim:kill(fault["then"]) }
    end,
}

cases(data.json("workers.json"), {
    faults = faults,
    steady = function(probe)
        probe:fn("all four are registered", function()
            return queue:keys("worker:*") == 4 and queue:keys("registering:*") == 0
        end, { within = "5s" })
        probe:fn("every job is done", function()
            return pcall(eventually, function() return unfinished() == 0 end, { within = "8s", every = "100ms" })
        end, { within = "12s" })
        probe:fn("none is done twice", function() return finished() <= submitted end, { within = "5s" })
    end,
    seen = function() return seen() end,
})
