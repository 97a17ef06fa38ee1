%% References with an object behind them, here arrays of atomics: they live as long as a term refers to them, wherever that
%% term is, and are like ordinary references in all else.
-module(resources).
-export([main/0]).
-include("show.hrl").

main() ->
    Array = atomics:new(1, []),
    atomics:put(Array, 1, 42),
    like_references(Array),
    travelling(Array),
    written_down(Array),
    tables(Array),
    many(),
    ?SHOW(atomics:get(Array, 1)).

like_references(Array) ->
    Before = make_ref(),
    Other = atomics:new(1, []),
    ?SHOW({is_reference(Array), node(Array) =:= node()}),
    ?SHOW({Array == Other, Array =:= Array, (Array < Other) =:= (Other > Array)}),
    ?SHOW(element(2, maps:find(Array, #{Other => other, Array => array, Before => before}))),
    ?SHOW(map_size(maps:from_list([{K, V} || K <- [Array, Other, Before], V <- [1, 2, 3]]))),
    ?SHOW(erlang:phash2(Array, 1 bsl 27) =:= erlang:phash2(list_to_ref(ref_to_list(Array)), 1 bsl 27)),
    ?SHOW(byte_size(term_to_binary(Array)) =:= byte_size(term_to_binary(Before))),
    ?SHOW(length(string:lexemes(ref_to_list(Array), "."))).

%% In messages, closures, the dictionary, persistent terms and another process's heap.
travelling(Array) ->
    Self = self(),
    Pid = spawn(fun() ->
                        receive {use, A} -> atomics:add(A, 1, 1) end,
                        Self ! {back, [A | atomics:get(Array, 1)]}
                end),
    Pid ! {use, Array},
    receive {back, [Same | Value]} -> ?SHOW({Same =:= Array, Value}) end,
    put(array, Array),
    garbage_collect(),
    ?SHOW(atomics:add_get(get(array), 1, 1)),
    erase(array),
    persistent_term:put(resources, {Array}),
    {Kept} = persistent_term:get(resources),
    ?SHOW(atomics:add_get(Kept, 1, 1)),
    persistent_term:erase(resources),
    %% Made by a process that is gone.
    {Maker, Monitor} = spawn_monitor(fun() ->
                                             A = atomics:new(2, []),
                                             atomics:put(A, 2, 7),
                                             Self ! {made, A}
                                     end),
    receive {'DOWN', Monitor, process, Maker, Reason} -> ?SHOW(Reason) end,
    garbage_collect(),
    receive {made, Made} -> ?SHOW(atomics:get(Made, 2)) end.

%% What was written down leads back to the object.
written_down(Array) ->
    ?SHOW(atomics:add_get(binary_to_term(term_to_binary(Array)), 1, 1)),
    ?SHOW(atomics:add_get(list_to_ref(ref_to_list(Array)), 1, 1)),
    [Copy | _] = binary_to_term(term_to_binary([Array, {x, Array} | Array], [compressed])),
    garbage_collect(),
    ?SHOW(atomics:add_get(Copy, 1, 1)),
    #{50 := FromMap} = binary_to_term(term_to_binary(maps:from_list([{I, Array} || I <- lists:seq(1, 50)]))),
    ?SHOW(atomics:add_get(FromMap, 1, 1)),
    Forgotten = forgotten(),
    [garbage_collect() || _ <- [1, 2]],
    ?TRY(atomics:get(binary_to_term(id(Forgotten)), 1)).

forgotten() ->
    term_to_binary(atomics:new(1, [])).

%% In a table, from which it is looked up, updated and taken; and with the table it is gone.
tables(Array) ->
    [begin
         Table = ets:new(table, [Type]),
         ets:insert(Table, [{key, Array}, {other, [Array, atomics:new(1, [])]}]),
         [{key, Same}] = ets:lookup(Table, key),
         ?SHOW({Type, Same =:= Array, ets:match_object(Table, {'$1', Array}) =:= [{key, Array}]}),
         atomics:add(Same, 1, 1),
         [[_, Kept]] = ets:select(Table, [{{other, '$1'}, [], ['$1']}]),
         Text = ref_to_list(Kept),
         ?SHOW(atomics:add_get(list_to_ref(Text), 1, 7)),
         ets:insert(Table, {other, forgotten}),
         ets:delete(Table),
         Text
     end || Type <- [set, ordered_set, bag]],
    Texts = lists:map(fun(Type) -> dropped(Type) end, [set, ordered_set, bag]),
    [garbage_collect() || _ <- [1, 2]],
    ?SHOW([try atomics:get(list_to_ref(Text), 1) catch error:badarg -> gone end || Text <- Texts]).

dropped(Type) ->
    Table = ets:new(table, [Type]),
    ets:insert(Table, {key, atomics:new(1, [])}),
    [{key, Array}] = ets:lookup(Table, key),
    Text = ref_to_list(Array),
    ets:delete(Table),
    Text.

%% Two gigabytes of arrays, of which few are alive at any time; and a thousand at once.
many() ->
    ?SHOW(one_after_the_other(8000, 0)),
    All = [counters:new(1, []) || _ <- lists:seq(1, 1000)],
    [counters:add(C, 1, 1) || C <- All],
    garbage_collect(),
    ?SHOW(lists:sum([counters:get(C, 1) || C <- All])).

one_after_the_other(0, Sum) -> Sum;
one_after_the_other(N, Sum) ->
    one_after_the_other(N - 1, Sum + atomics:add_get(atomics:new(32768, []), 32768, N)).
