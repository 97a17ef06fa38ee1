%% Funs as data: fun_info, equality, arity, sending, as keys.
-module(fun_info).
-export([main/0, exported/2]).
-include("show.hrl").

main() ->
    A = id(1),
    Local = fun(X) -> X + A end,
    External = fun lists:map/2,
    Named = fun Self(0) -> 0; Self(N) -> Self(N - 1) end,
    ?SHOW([element(2, erlang:fun_info(Local, I)) || I <- [type, module, arity, env]]),
    ?SHOW([erlang:fun_info(External, I) || I <- [type, module, name, arity, env]]),
    ?SHOW([element(2, erlang:fun_info(Named, I)) || I <- [type, module, arity]]),
    ?SHOW(erlang:fun_info(Local, name)),
    ?SHOW([K || {K, _} <- erlang:fun_info(External)]),
    ?SHOW(lists:sort([K || {K, _} <- erlang:fun_info(Local)])),
    ?TRY(erlang:fun_info(id(not_a_fun))),
    ?TRY(erlang:fun_info(External, id(no_item))),
    ?SHOW([is_function(F) || F <- [Local, External, Named, fun exported/2, not_a_fun]]),
    ?SHOW([is_function(Local, N) || N <- [0, 1, 2]]),
    ?TRY(is_function(Local, id(-1))),
    ?TRY(is_function(Local, id(a))),
    ?SHOW(is_function(id(not_a_fun), 1)),
    ?SHOW(fun exported/2 =:= fun ?MODULE:exported/2),
    ?SHOW(fun ?MODULE:exported/2 =:= id(fun ?MODULE:exported/2)),
    ?SHOW(make(1) =:= make(1)),
    ?SHOW(make(1) =:= make(2)),
    ?SHOW(make(1) == make(1.0)),
    ?SHOW(#{make(1) => a, make(2) => b, make(1) => c} =:= #{make(1) => c, make(2) => b}),
    ?SHOW(maps:get(make(2), #{make(1) => a, make(2) => b})),
    ?SHOW(lists:member(make(3), [make(1), make(3)])),
    Self = self(),
    Pid = spawn(fun() -> receive F -> Self ! {F, F(10)} end end),
    Pid ! Local,
    ?SHOW(receive {Local, Result} -> {same_fun, Result} end),
    ?SHOW((binary_to_term(term_to_binary(Local)))(5)),
    ?SHOW(binary_to_term(term_to_binary(Local)) =:= Local),
    ?SHOW(binary_to_term(term_to_binary(External))),
    ?SHOW(erlang:phash2(External)),
    ?SHOW(erlang:fun_to_list(External)),
    ?SHOW(references()),
    ?SHOW(sizes(lists:seq(0, 5))).

%% Funs of one expression, and the module that has it.
references() ->
    First = counted(1),
    {refc, A} = erlang:fun_info(First, refc),
    Second = counted(2),
    {refc, B} = erlang:fun_info(First, refc),
    Table = ets:new(table, [ordered_set]),
    true = ets:insert(Table, {key, {First, [Second]}}),
    {refc, C} = erlang:fun_info(First, refc),
    true = ets:delete(Table),
    One = Second(0),
    true = erlang:garbage_collect(),
    {refc, D} = erlang:fun_info(First, refc),
    [A, B, C, D, One, erlang:fun_info(fun erlang:self/0, refc)].

counted(N) -> fun(X) -> [N | X] end.

exported(A, B) -> {A, B}.

make(N) -> fun(X) -> {N, X} end.

%% Funs of many free variables.
sizes([A, B, C, D, E, F]) ->
    Big = fun(G) -> [A, B, C, D, E, F, G] end,
    {env, Env} = erlang:fun_info(Big, env),
    {length(Env), Big(6)}.
