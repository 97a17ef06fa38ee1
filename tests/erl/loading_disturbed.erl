%% A module is prepared while others run: whole, by several processes at once, by processes that are killed in the middle, and a damaged one.
%% needs: OTP
%% gcstress: small
-module(loading_disturbed).
-export([main/0, main/1]).
-include("show.hrl").

main() -> main(600).

main([small]) -> main(20);
main(Functions) ->
    Code = code(Functions),
    killed(Code, 20),
    whole(Code, Functions),
    at_once(Code, Functions),
    damaged(Code),
    erlang:display(done).

%% As many functions, with calls, funs, constants and tests of atoms.
code(Functions) ->
    Text = ["-module(big).\n-export([f0/1, sum/1]).\n",
            "f0(X) -> {X, none}.\nsum(N) -> lists:sum([element(1, f(I, I)) || I <- lists:seq(0, N)]).\n",
            "f(0, X) -> f0(X);\n",
            lists:join(";\n", [["f(", integer_to_list(I), ", X) -> ", name(I), "(X)"] || I <- lists:seq(1, Functions)]), ".\n",
            [[name(I), "(X) -> F = fun(Y) -> {Y + ", integer_to_list(I rem 3), ", [\"text ", integer_to_list(I), "\", <<\"bytes ", integer_to_list(I rem 7),
              "\">>, #{a => ", integer_to_list(I), "}]} end, case get(", name(I), ") of undefined -> F(X); a", name(I rem 5), " -> one; b -> two; c -> length(X) end.\n"]
             || I <- lists:seq(1, Functions)]],
    {ok, Tokens, _} = erl_scan:string(lists:flatten(Text)),
    {ok, big, Code} = compile:forms([begin {ok, Form} = erl_parse:parse_form(F), Form end || F <- forms(Tokens, [])], []),
    Code.

name(I) -> ["f", integer_to_list(I)].

forms([], []) -> [];
forms([{dot, _} = Dot | Rest], Form) -> [lists:reverse(Form, [Dot]) | forms(Rest, [])];
forms([Token | Rest], Form) -> forms(Rest, [Token | Form]).

%% Each time a file that was not seen before, so that it is converted: what follows the form does not count.
fresh(Code) -> <<Code/binary, (erlang:unique_integer([positive])):64, (erlang:system_time()):64>>.

killed(Code, Times) ->
    Ends = [begin
                Process = spawn(fun() -> loop(fresh(Code)) end),
                receive after I rem 4 -> ok end,
                Monitor = monitor(process, Process),
                exit(Process, kill),
                receive {'DOWN', Monitor, process, _, Reason} -> Reason end
            end || I <- lists:seq(1, Times)],
    ?SHOW(lists:usort(Ends)).

%% For OTP, whose loader is one reduction, however long it takes.
loop(Code) ->
    erlang:bump_reductions(1000),
    true = is_reference(erts_internal:prepare_loading(big, Code)),
    loop(fresh(Code)).

whole(Code, Functions) ->
    ?SHOW(code:load_binary(big, "big", fresh(Code))),
    ?SHOW(big:sum(Functions) - Functions),
    ?SHOW(code:delete(big)),
    ?SHOW(code:purge(big)).

at_once(Code, Functions) ->
    Self = self(),
    Processes = [spawn(fun() ->
                     Prepared = erts_internal:prepare_loading(big, fresh(Code)),
                     Self ! {prepared, self(), Prepared}
                 end) || _ <- lists:seq(1, 4)],
    [First | _] = [receive {prepared, Process, Prepared} -> Prepared end || Process <- Processes],
    ?SHOW(erlang:finish_loading([First])),
    ?SHOW(big:sum(Functions) - Functions),
    ?SHOW(code:delete(big)),
    ?SHOW(code:purge(big)).

damaged(Code) ->
    Half = binary:part(Code, 0, byte_size(Code) div 2),
    ?SHOW(erts_internal:prepare_loading(big, Half)).
