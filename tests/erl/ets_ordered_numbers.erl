%% Ordered tables whose keys are numbers of all kinds, other terms among them: what is found, before, behind and changed, while keys come and go.
%% needs: OTP
-module(ets_ordered_numbers).
-export([main/0]).
-include("show.hrl").

main() ->
    rand:seed(exsss, {1, 2, 3}),
    Table = ets:new(numbers, [ordered_set]),
    %% Small integers alone, then with a float that goes again.
    Small = [step(Table, rand:uniform(9), fun small/0) || _ <- lists:seq(1, 2000)],
    ets:insert(Table, {7.5, 0}),
    Float = [step(Table, rand:uniform(9), fun small/0) || _ <- lists:seq(1, 500)],
    ets:delete(Table, 7.5),
    Again = [step(Table, rand:uniform(9), fun small/0) || _ <- lists:seq(1, 500)],
    Mixed = [step(Table, rand:uniform(9), fun any/0) || _ <- lists:seq(1, 8000)],
    ?SHOW([erlang:phash2(Steps) || Steps <- [Small, Float, Again, Mixed]]),
    ?SHOW({ets:info(Table, size), erlang:phash2(ets:tab2list(Table))}),
    true = ets:delete_all_objects(Table),
    Emptied = [step(Table, rand:uniform(9), fun small/0) || _ <- lists:seq(1, 500)],
    ?SHOW({erlang:phash2(Emptied), ets:tab2list(Table)}).

small() -> rand:uniform(300) - 150.

any() ->
    case rand:uniform(8) of
        1 -> rand:uniform(300) * 1.0;
        2 -> rand:uniform(300) + 0.5;
        3 -> (rand:uniform(200) - 100) bsl 62;
        4 -> list_to_atom([$a | integer_to_list(rand:uniform(50))]);
        5 -> {rand:uniform(10), x};
        _ -> small()
    end.

step(Table, 1, Key) -> ets:insert(Table, {Key(), rand:uniform(9)});
step(Table, 2, Key) -> ets:delete(Table, Key());
step(Table, 3, Key) -> ets:lookup(Table, Key());
step(Table, 4, Key) -> ets:next(Table, Key());
step(Table, 5, Key) -> ets:prev(Table, Key());
step(Table, 6, Key) ->
    case ets:next(Table, Key()) of
        '$end_of_table' -> none;
        Next -> ets:lookup(Table, Next)
    end;
step(Table, 7, Key) -> ets:insert(Table, [{Key(), 1} || _ <- [1, 2, 3]]);
step(Table, 8, Key) -> ets:update_counter(Table, Key(), {2, 1}, {key, 0});
step(Table, 9, Key) -> ets:select_delete(Table, [{{Key(), '_'}, [], [true]}]).
