%% How calls of module ets fail: reasons, and the cause that erl_stdlib_errors makes a text of.
-module(ets_errors).
-export([main/0]).

main() ->
    Dead = ets:new(d, []),
    ets:delete(Dead),
    Me = self(),
    {P, _} = spawn_monitor(fun() -> Me ! {ets:new(x, [private]), ets:new(y, [protected])}, receive stop -> ok end end),
    {Private, Protected} = receive Both -> Both end,
    Set = ets:new(t, []),
    Bag = ets:new(b, [bag]),
    Ordered = ets:new(o, [ordered_set]),
    [ets:insert(T, [{1, a}, {2, 10}]) || T <- [Set, Bag, Ordered]],
    MS = [{'_', [], [true]}],
    Calls =
        [{delete, []}, {delete, [1]}, {delete_all_objects, []}, {delete_object, [{1}]}, {delete_object, [x]}, {delete_object, [{}]},
         {first, []}, {last, []}, {next, [1]}, {next, [77]}, {prev, [77]}, {give_away, [Me, x]}, {give_away, [x, x]},
         {info, []}, {info, [size]}, {info, [foo]}, {info, [x]}, {insert, [{1}]}, {insert, [x]}, {insert, [{}]}, {insert, [[{1}, x]]},
         {insert, [[{1} | x]]}, {insert_new, [{1, x}]}, {insert_new, [x]}, {insert_new, [[{9}, x]]},
         {lookup, [1]}, {lookup_element, [1, 1]}, {lookup_element, [1, 9]}, {lookup_element, [1, 0]}, {lookup_element, [1, x]},
         {lookup_element, [9, 1]}, {lookup_element, [9, 0]}, {match, ['_']}, {match, ['_', 0]}, {match, ['_', x]}, {match, ['_', -1]},
         {match_object, ['_']}, {match_object, ['_', 0]}, {match_delete, ['_']}, {member, [1]}, {rename, [newname]}, {rename, [1]},
         {safe_fixtable, [true]}, {safe_fixtable, [x]}, {select, [MS]}, {select, [x]}, {select, [[x]]}, {select, [MS, 0]}, {select, [x, 1]},
         {select_count, [MS]}, {select_count, [x]}, {select_delete, [MS]}, {select_delete, [x]}, {select_replace, [MS]}, {select_replace, [x]},
         {select_reverse, [MS]}, {select_reverse, [x]}, {select_reverse, [MS, 0]}, {setopts, [[]]}, {setopts, [x]}, {slot, [x]}, {slot, [-1]},
         {slot, [1 bsl 40]}, {slot, [1 bsl 70]}, {take, [1]}, {update_counter, [1, 1]}, {update_counter, [2, x]}, {update_counter, [2, {1, 1}]},
         {update_counter, [2, {9, 1}]}, {update_counter, [9, 1]}, {update_counter, [9, 1, x]}, {update_counter, [2, {2, x}]},
         {update_element, [1, {2, x}]}, {update_element, [1, {1, x}]}, {update_element, [1, {9, x}]}, {update_element, [1, x]},
         {update_element, [9, {2, x}]}, {internal_delete_all, [undefined]}, {internal_select_delete, [MS]}],
    Tables = [{no_table, 1}, {no_name, nothing}, {reference, make_ref()}, {dead, Dead}, {private, Private}, {protected, Protected},
              {set, Set}, {bag, Bag}, {ordered, Ordered}],
    [begin
         erlang:display({F, [if A =:= Me -> me; true -> A end || A <- Args], Kind, call(F, [T | Args])}),
         Kind =:= set andalso refill(Set),
         Kind =:= bag andalso refill(Bag),
         Kind =:= ordered andalso refill(Ordered)
     end || {F, Args} <- Calls, {Kind, T} <- Tables,
            not (lists:member(Kind, [set, bag, ordered]) andalso lists:member({F, Args}, [{delete, []}]))],
    [erlang:display({F, As, call(F, As)})
     || {F, As} <- [{new, [1, []]}, {new, [a, x]}, {new, [a, [x]]}, {match, [x]}, {match_object, [x]}, {select, [x]}, {select_reverse, [x]},
                    {match_spec_compile, [x]}, {match_spec_run_r, [[], x, []]}, {is_compiled_ms, [x]}, {whereis, [1]}, {whereis, [x]}]],
    P ! stop.

refill(T) ->
    ets:setopts(T, [{heir, none}, {protection, protected}]),
    ets:delete_all_objects(T),
    ets:insert(T, [{1, a}, {2, 10}]).

%% Values that differ from run to run do not matter here.
call(F, Args) ->
    try apply(ets, F, Args) of
        V when is_atom(V); is_integer(V) -> V;
        L when is_list(L) -> {list, length(L)};
        _ -> value
    catch
        error:R:Trace ->
            [{M, N, As, Info} | _] = Trace,
            {R, M, N, length(As), [maps:to_list(I) || {error_info, I} <- Info]}
    end.
