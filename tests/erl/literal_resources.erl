%% Literals that refer to objects of the machine: `cover` writes such code, whose counters it keeps in literals.
%% needs: OTP
-module(literal_resources).
-export([main/0]).
-include("show.hrl").

main() ->
    Counters = counters:new(2, [write_concurrency]),
    Atomics = atomics:new(1, []),
    load({Counters, [Atomics], maps:from_list([{K, Atomics} || K <- lists:seq(1, 40)])}),
    {There, [Also], _} = generated:constant(),
    ?SHOW({There, Also} =:= {Counters, Atomics}),
    counters:add(There, 2, 5),
    atomics:put(Also, 1, 7),
    ?SHOW({counters:get(Counters, 2), atomics:get(Atomics, 1)}),
    %% In a process of its own, and when nobody else keeps them.
    Self = self(),
    spawn(fun() -> {T, _, _} = generated:constant(), counters:add(T, 2, 1), Self ! {added, generated:constant()} end),
    ?SHOW(receive {added, {T, _, _}} -> counters:get(T, 2) end),
    %% What still refers to a literal when its module goes keeps the object.
    Kept = [generated:constant()],
    true = code:delete(generated),
    code:purge(generated),
    erlang:garbage_collect(),
    [{Last, _, _}] = Kept,
    counters:add(Last, 2, 10),
    ?SHOW(counters:get(Counters, 2)),
    %% What is gone is an ordinary reference.
    {_, Gone} = alone(),
    load(binary_to_term(Gone)),
    erlang:garbage_collect(),
    ?TRY(counters:get(generated:constant(), 1)).

%% The external format of an object that nobody has any more.
alone() ->
    Parent = self(),
    {Pid, Monitor} = spawn_monitor(fun() -> Parent ! {gone, term_to_binary(counters:new(1, []))} end),
    receive {'DOWN', Monitor, process, Pid, _} -> ok end,
    receive {gone, _} = Gone -> Gone end.

%% Loads a module whose constant/0 is Literal: no source says such a term, so the compiler's last step but one does.
load(Literal) ->
    Forms = [{attribute, 1, module, generated}, {attribute, 1, export, [{constant, 0}]},
             {function, 1, constant, 0, [{clause, 1, [], [], [{atom, 1, placeholder}]}]}],
    {ok, generated, Assembly} = compile:forms(Forms, ['S', binary]),
    {ok, generated, Code} = compile:forms(with(Literal, Assembly), [from_asm, binary]),
    {module, generated} = code:load_binary(generated, "generated", Code).

with(Literal, {atom, placeholder}) -> {literal, Literal};
with(Literal, [Head | Tail]) -> [with(Literal, Head) | with(Literal, Tail)];
with(Literal, Tuple) when is_tuple(Tuple) -> list_to_tuple(with(Literal, tuple_to_list(Tuple)));
with(_, Other) -> Other.
