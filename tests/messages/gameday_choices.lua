-- flags: --yes
-- exit: 3
gameday("a", function(g)
    g:choose("Who leads?", { "ana" }, { default = "an" })
end)
