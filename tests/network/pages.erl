%% OTP's own HTTP server and client (inets) in a domain, for tests/xen_releases.rs.
-module(pages).
-export([serve/1, page/3, ask/1]).

%% Serves on a port: `/esi/pages:page?NUMBER` is the page of a number.
serve(Port) ->
    ok = application:ensure_started(inets),
    ok = file:make_dir("/tmp/pages"),
    {ok, _} = inets:start(httpd, [
        {port, Port},
        {server_name, "domain"},
        {server_root, "/tmp/pages"},
        {document_root, "/tmp/pages"},
        {modules, [mod_esi]},
        {erl_script_alias, {"/esi", [?MODULE]}}
    ]),
    ok.

%% mod_esi's callback.
page(Session, _Environment, Number) ->
    mod_esi:deliver(Session, ["content-type: text/plain\r\n\r\n", "page ", Number, "\n"]).

%% The status and the body of what is at an address.
ask(Url) ->
    ok = application:ensure_started(inets),
    {ok, {{_, Status, _}, _, Body}} = httpc:request(get, {Url, []}, [{timeout, 20000}], []),
    {Status, Body}.
