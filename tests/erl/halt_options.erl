%% halt/2 without flushing, and what halt refuses.
-module(halt_options).
-export([main/0]).
-include("show.hrl").

main() ->
    ?TRY(halt(id(-1))),
    ?TRY(halt(id(some_atom))),
    ?TRY(halt(id(1.0))),
    ?TRY(halt(0, id([bad_option]))),
    ?TRY(halt(0, id(not_a_list))),
    erlang:display(last_line),
    halt(id(261), [{flush, true}]).
