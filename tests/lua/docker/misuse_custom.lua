-- A fault without an undo.
-- exit: 3
-- stderr: docker.custom: option `undo` is missing
docker.container("web"):custom { inject = "true" }
