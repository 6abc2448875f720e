-- Real servers that stand in for one's own: each is started in a folder of its own, and ends with the run.
-- Ports are the script's own, so that scripts can run side by side; --env PORTS=30000 moves them.

local standins = {}

-- Runs a program with "$d", a new folder, removed in the end. Started again when it ends if $RESTART says so, after a while.
local SHELL = [[
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
d=$(mktemp -d /dev/shm/standin.XXXXXX 2>/dev/null || mktemp -d) || exit 1
stop=
trap 'stop=1; kill -${SIGNAL:-TERM} $pid 2>/dev/null' TERM INT
eval "$PREPARE" || { rm -rf "$d"; exit 1; }
while [ -z "$stop" ]; do
    eval "$RUN" & pid=$!
    wait $pid
    [ -z "$stop" ] || break
    while [ -z "$stop" ] && [ -z "$RESTART" ]; do sleep 0.2 & wait $!; done
    sleep "${RESTART:-0}" & wait $!
done
wait $pid
rm -rf "$d"
]]

local function start(given)
    local vars = given.env or {}
    vars.PREPARE, vars.RUN, vars.RESTART = given.prepare or ":", given.run, given.restart
    return process.spawn {
        name = given.name, cmd = { "sh", "-c", SHELL }, env = vars, user = given.user, namespace = given.namespace,
        ready = given.ready, stop = { within = "10s" },
    }
end

function standins.ports(default)
    return tonumber(env("PORTS", default))
end

function standins.root()
    return process.run({ cmd = { "id", "-u" } }).stdout == "0\n"
end

-- Members of a cluster, on this host, or with `hosts` in namespaces that are made for them (needs root). Each is
-- started again when it ends, after `restart` seconds; false: never. The URLs of the members, and who they are.
function standins.etcd(options)
    local base, count = options.port, options.members or 3
    local net = options.hosts and netfault.network { hosts = options.hosts, subnet = options.subnet }
    local urls, peers, initial = {}, {}, {}
    for number = 1, count do
        local address = net and net.hosts[number].address or "127.0.0.1"
        local port = if net then 2379 else base + number * 2
        urls[number] = `http://{address}:{port}`
        peers[number] = `http://{address}:{port + 1}`
        initial[number] = `m{number}={peers[number]}`
    end
    local members = {}
    for number = 1, count do
        members[number] = start {
            name = `etcd {number}`,
            run = `exec etcd --name m{number} --data-dir "$d/data" --initial-cluster {table.concat(initial, ",")} `
                .. `--initial-cluster-token t{base} --listen-peer-urls {peers[number]} --initial-advertise-peer-urls {peers[number]} `
                .. `--listen-client-urls {urls[number]} --advertise-client-urls {urls[number]} --log-level error`,
            restart = if options.restart == false then nil else options.restart or "0.5",
            namespace = net and netfault.namespace(options.hosts[number]),
        }
    end
    local cluster = etcd.cluster { members = urls }
    cluster:wait_leader { within = "60s" }
    eventually("all members answer", function()
        for number in urls do
            if not cluster:status(number) then return false end
        end
        return true
    end, { within = "60s" })
    return cluster, members, net
end

-- The process of a member itself, rather than who starts it again.
function standins.etcd_process(cluster, number)
    return process.find { port = tonumber(string.match(cluster.members[number], ":(%d+)$")), name = "etcd" }
end

-- A server with an empty database, of a user without rights.
function standins.postgres(options)
    start {
        name = "postgres",
        -- Fast: without waiting for clients.
        env = { SIGNAL = "INT" },
        prepare = 'initdb --pgdata="$d/data" --username=postgres --auth=trust --no-sync --encoding=UTF8 --locale=C >/dev/null',
        run = `exec postgres -D "$d/data" -p {options.port} -k "" -c listen_addresses={options.listen or "127.0.0.1"} -c fsync=off `
            .. `-c max_connections=40 -c shared_buffers=16MB -c dynamic_shared_memory_type=mmap`,
        restart = options.restart,
        user = standins.root() and "nobody" or nil,
        namespace = options.namespace,
        ready = if options.namespace then nil else { port = options.port, within = "60s" },
    }
    if options.listen then
        return nil
    end
    local db = postgres.connect { port = options.port }
    eventually("the database answers", function() return db:value("select 1") == "1" end, { within = "30s" })
    return db
end

function standins.redis(options)
    start {
        name = "redis",
        run = `exec redis-server --port {options.port} --bind {options.listen or "127.0.0.1"} --protected-mode no --dir "$d" --save "" --appendonly yes --enable-debug-command local {options.options or ""}`,
        restart = options.restart,
        namespace = options.namespace,
        ready = if options.namespace then nil else { port = options.port, within = "30s" },
    }
    return redis.connect { port = options.port, host = options.listen }
end

-- Scrapes "host:port" of each job every half a second, and evaluates rules: { { alert, expr, hold } }.
function standins.prometheus(options)
    local jobs, rules = {}, {}
    for name, targets in options.scrape do
        table.insert(jobs, json.encode { job_name = name, static_configs = { { targets = targets } } })
    end
    for _, rule in options.rules or {} do
        table.insert(rules, json.encode { alert = rule.alert, expr = rule.expr, ["for"] = rule.hold or "0s" })
    end
    -- JSON is YAML.
    local config = `global: \{scrape_interval: 500ms, evaluation_interval: 500ms, scrape_timeout: 500ms}\n`
        .. `rule_files: [rules.yml]\nscrape_configs: [{table.concat(jobs, ",")}]\n`
    local url = `http://127.0.0.1:{options.port}`
    start {
        name = "prometheus",
        prepare = 'printf %s "$CONFIG" > "$d/prometheus.yml"; printf %s "$RULES" > "$d/rules.yml"',
        run = `exec prometheus --config.file="$d/prometheus.yml" --storage.tsdb.path="$d/data" --web.listen-address=127.0.0.1:{options.port} --log.level=error`,
        env = { CONFIG = config, RULES = `groups: [\{name: plan, rules: [{table.concat(rules, ",")}]}]\n` },
        ready = { http = url .. "/-/ready", within = "60s" },
    }
    local server, count = prometheus.connect { url = url }, 0
    for _, targets in options.scrape do
        count += #targets
    end
    eventually("all targets are scraped", function() return #server:targets { state = "up" } == count end, { within = "30s" })
    return server
end

-- Spreads requests over servers, and answers from its cache when all fail.
function standins.nginx(options)
    local servers = {}
    for _, address in options.upstream do
        table.insert(servers, `server {address} max_fails=1 fail_timeout=1s;`)
    end
    local config = [[daemon off; user root; worker_processes 1; pid DIR/pid; error_log stderr crit;
events { worker_connections 1024; }
http {
    access_log off; client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
    proxy_cache_path DIR/cache keys_zone=pages:1m;
    upstream shop { least_conn; SERVERS keepalive 32; }
    server {
        listen 127.0.0.1:PORT;
        location / {
            proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_connect_timeout 1s; proxy_read_timeout TIMEOUT;
            proxy_next_upstream RETRY; proxy_next_upstream_tries 3;
            CACHE
        }
    }
}
]]
    local cache = 'proxy_cache pages; proxy_cache_valid 200 1s; proxy_cache_use_stale error timeout http_502 http_503 http_504; add_header x-from $upstream_cache_status;'
    local values = {
        PORT = tostring(options.port), SERVERS = table.concat(servers, " "), TIMEOUT = options.timeout or "2s",
        RETRY = options.retry or "error timeout", CACHE = if options.cache then cache else "",
    }
    config = string.gsub(config, "%u%u%u%u+", values)
    start {
        name = "nginx",
        prepare = 'printf %s "$CONFIG" | sed "s|DIR|$d|g" > "$d/nginx.conf"',
        run = 'exec nginx -p "$d" -c "$d/nginx.conf" -e stderr',
        env = { CONFIG = config, PATH = env("PATH") .. ":/usr/sbin" },
        ready = { port = options.port, within = "30s" },
    }
    return `http://127.0.0.1:{options.port}`
end

-- A folder of this run, and what removes it.
function standins.folder()
    local made = process.run { cmd = { "mktemp", "-d" } }
    expect(made.ok, made.stderr)
    local path = string.gsub(made.stdout, "\n$", "")
    return path, function() process.run { cmd = { "rm", "-rf", path } } end
end

return standins
