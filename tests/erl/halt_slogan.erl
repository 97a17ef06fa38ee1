%% halt with a slogan: status 1, and no crash dump if none is wanted.
-module(halt_slogan).
-export([main/0]).
-include("show.hrl").

main() ->
    os:putenv("ERL_CRASH_DUMP_SECONDS", "0"),
    ?TRY(erlang:halt(id([a, b]))),
    ?TRY(erlang:halt(id("slogan" ++ [-1]))),
    ?TRY(erlang:halt(id("slogan"), [{flush, x}])),
    ?TRY(erlang:halt(id(other))),
    erlang:halt("that is enough").
