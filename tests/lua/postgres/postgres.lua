-- Values, checksums, a dump and what is restored from it.
-- needs: postgres, psql
local root = process.run({ cmd = { "id", "-u" } }).stdout == "0\n"
process.spawn {
    name = "postgres", user = root and "nobody" or nil, stop = { within = "10s" },
    cmd = { "sh", "-c", [[
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
d=$(mktemp -d) || exit 1
trap 'kill -INT $p; wait; rm -rf "$d"; exit' TERM
initdb --pgdata="$d" --username=postgres --auth=trust --no-sync >/dev/null
postgres -D "$d" -p 26120 -k "" -c listen_addresses=127.0.0.1 -c fsync=off & p=$!
wait $p]] },
    ready = { port = 26120, within = "60s" },
}
local db = postgres.connect { port = 26120 }
eventually("it answers", function() return db:value("select 1") == "1" end, { within = "30s" })
expect("done", db:execute("create table t (id int, body text); insert into t select n, 'row ' || n from generate_series(1, 100) n"))
local rows = db:query("select id, body from t order by id limit 2")
expect("rows", #rows == 2 and rows[2][1] == "2" and rows[2][2] == "row 2")
local before = db:state()
expect("state", before["public.t"].rows == 100 and #before["public.t"].checksum == 32)
db:execute("update t set body = 'x' where id = 50")
expect("a changed row is seen", db:state()["public.t"].checksum ~= before["public.t"].checksum)
db:execute("update t set body = 'row 50' where id = 50")
expect("the order of rows is nothing", #integrity.differences(before, db:state()) == 0)

local file = string.gsub(process.run({ cmd = { "mktemp" } }).stdout, "\n", "")
db:dump(file)
db:execute("drop table t")
db:restore(file)
process.run { cmd = { "rm", "-f", file } }
expect("restored", #integrity.differences(before, db:state()) == 0)
expect("no connection stays", db:connections() == 0)
local done, problem = db:execute("select nonsense")
expect("an error is data", not done and string.find(problem, "nonsense", 1, true))
local nothing, why = postgres.connect({ port = 26121 }):value("select 1")
expect("nobody answers", nothing == nil and #why > 0)
