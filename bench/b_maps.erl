%% Maps: updates of a small one with known keys, and a large one with 10,000.
-module(b_maps).
-export([run/0]).

run() -> {small(500000, #{a => 0, b => 0, c => 0, d => 0}), large(200000, #{}, 17)}.

small(0, #{a := A, b := B, c := C, d := D}) -> {A, B, C, D};
small(N, #{a := A, b := B, c := C} = M) -> small(N - 1, M#{a := B, b := C + 1, c := A + 2, d := N}).

large(0, M, _) -> {map_size(M), maps:get(4711, M, none) =/= none};
large(N, M, Seed) ->
    Next = (Seed * 1103515245 + 12345) band 16#7FFFFFFF,
    Key = (Next bsr 8) rem 10000,
    case M of
        #{Key := V} -> large(N - 1, M#{Key := V + 1}, Next);
        #{} -> large(N - 1, M#{Key => 1}, Next)
    end.
