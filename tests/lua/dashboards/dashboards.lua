-- Every query is asked, with its variables; a panel that shows nothing or an error is a problem.
-- A server by hand: it knows what has series, and what is an error.
local asked = {}
local server = {
    range = function(_, query, options)
        table.insert(asked, query)
        if query == "bad(" then error("parse error: unclosed", 0) end
        return query == "empty" and {} or { { labels = {}, points = {} } }
    end,
    vector = function(_, query) if query == "bad(" then error("parse error", 0) end return {} end,
}
local report = dashboards.check(server, {
    templating = { list = { { name = "job", current = { value = { "a", "b" } } }, { name = "all", current = { value = "$__all" } } } },
    annotations = { list = { { name = "deploys", expr = "changes(x[$__interval])" }, { name = "broken", expr = "bad(" } } },
    panels = {
        { title = "good", targets = { { expr = 'up{job=~"$job", all=~"${all:regex}"}' }, { expr = "rate(x[[[__rate_interval]]])" }, { expr = "hidden", hide = true } } },
        { title = "row", type = "row", panels = { { title = "empty", targets = { { expr = "empty" } } }, { title = "may be", targets = { { expr = "empty" } } } } },
        { title = "bad", targets = { { expr = "bad(" } } },
        { title = "unset", targets = { { expr = "up{x=\"$nothing\"}" } } },
        { title = "without", type = "stat" }, { title = "words", type = "text" },
    },
}, { ranges = { "5m" }, may_be_empty = { "may be" } })
expect("variables", table.find(asked, 'up{job=~"a|b", all=~".*"}') and table.find(asked, "rate(x[5m])"), table.concat(asked, "; "))
expect("counts", report.panels == 7 and report.queries == 6 and report.annotations == 2, `{report.panels} {report.queries}`)
local said = table.concat(report.problems, " | ")
for _, text in { "empty: over 5m: no data", "bad: over 5m: parse error: unclosed", "unset: variable $nothing has no value", "without: has no query", "annotation broken" } do
    expect(text, string.find(said, text, 1, true), said)
end
expect("no others", #report.problems == 5, said)
