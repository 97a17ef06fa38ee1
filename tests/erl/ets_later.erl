%% What OTP 27 added to module ets. An older OTP does the same here by the functions that it has.
-module(ets_later).
-export([main/0]).
-include("show.hrl").

main() ->
    [keys_and_objects(K) || K <- [set, ordered_set, bag, duplicate_bag]],
    defaults(),
    elements().

%% The function, or what it stands for.
later(F, Args, Otherwise) ->
    try apply(ets, F, Args)
    catch error:undef -> Otherwise()
    end.

with_objects(T, Key) ->
    case Key of
        '$end_of_table' -> Key;
        _ -> {Key, ets:lookup(T, Key)}
    end.

first(T) -> later(first_lookup, [T], fun() -> with_objects(T, ets:first(T)) end).
last(T) -> later(last_lookup, [T], fun() -> with_objects(T, ets:last(T)) end).
next(T, K) -> later(next_lookup, [T, K], fun() -> with_objects(T, ets:next(T, K)) end).
prev(T, K) -> later(prev_lookup, [T, K], fun() -> with_objects(T, ets:prev(T, K)) end).

walk(_, _, '$end_of_table') -> [];
walk(T, Step, {K, Objects}) -> [{K, Objects} | walk(T, Step, Step(T, K))].

keys_and_objects(Kind) ->
    T = ets:new(t, [Kind]),
    ?SHOW({Kind, first(T), last(T)}),
    [ets:insert(T, {I rem 5, I}) || I <- lists:seq(1, 12)],
    ?SHOW(lists:sort(walk(T, fun next/2, first(T)))),
    ?SHOW(lists:sort(walk(T, fun prev/2, last(T)))),
    Kind =:= ordered_set andalso
        begin
            ?SHOW(walk(T, fun next/2, first(T))),
            ?SHOW(walk(T, fun prev/2, last(T))),
            ?SHOW({next(T, 2.5), prev(T, 2.5), next(T, 4), prev(T, 0), next(T, a)})
        end,
    Kind =:= ordered_set orelse ?TRY(next(T, nothing)),
    ?TRY(first(nothing)),
    ?TRY(prev(nothing, 1)),
    ok.

lookup_element(T, K, P, D) ->
    later(lookup_element, [T, K, P, D],
          fun() ->
                  case ets:member(T, K) of
                      true -> ets:lookup_element(T, K, P);
                      false when is_integer(P), P > 0 -> D;
                      false -> error(badarg)
                  end
          end).

defaults() ->
    [begin
         T = ets:new(t, [Kind]),
         ets:insert(T, [{1, a}, {1, b}]),
         ?SHOW({Kind, lookup_element(T, 1, 2, none)}),
         ?SHOW(lookup_element(T, 2, 2, {none, "there"})),
         ?SHOW(lookup_element(T, 2, 9, none)),
         ?TRY(lookup_element(T, 1, 3, none)),
         ?TRY(lookup_element(T, 1, 0, none)),
         ?TRY(lookup_element(T, 2, x, none)),
         ?TRY(lookup_element(nothing, 2, 2, none))
     end || Kind <- [set, ordered_set, bag]],
    ok.

update_element(T, K, Changes, Default) ->
    later(update_element, [T, K, Changes, Default],
          fun() ->
                  ets:insert_new(T, setelement(1, Default, K)),
                  ets:update_element(T, K, Changes)
          end).

elements() ->
    [begin
         T = ets:new(t, [Kind]),
         ?SHOW({Kind, update_element(T, k, {2, x}, {default, 1, 2})}),
         ?SHOW(update_element(T, k, [{3, "y"}], {default, 1, 2})),
         ?SHOW(update_element(T, l, [{3, "z"}, {2, <<"w">>}], {default, 1, 2, 3})),
         ?SHOW(update_element(T, m, [], {default, 1})),
         ?SHOW(lists:sort(ets:tab2list(T)))
     end || Kind <- [set, ordered_set]],
    ok.
