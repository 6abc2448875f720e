-- exit: 3
-- stderr: dashboards.check: unknown option "range"; the options are ranges, variables, may_be_empty
dashboards.check(nil, { panels = {} }, { range = { "5m" } })
