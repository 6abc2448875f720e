-- env: PROMETHEUS_URL=http://127.0.0.1:1/prefix
for _, name in { "scalar", "vector", "range", "label_values", "series" } do
    local ok, problem = pcall(prometheus[name], "up")
    expect(not ok and tostring(problem):find('cannot reach "http://127.0.0.1:1/prefix/api/v1/', 1, true), problem)
end
for _, name in { "alerts", "targets", "rules", "labels" } do
    local ok, problem = pcall(prometheus[name])
    expect(not ok and tostring(problem):find(`prometheus.{name}: cannot reach`, 1, true), problem)
end
