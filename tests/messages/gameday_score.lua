-- flags: --yes
-- exit: 3
gameday("a", function(g)
    g:score("time to page", 3, { at_most = "2 minutes" })
end)
