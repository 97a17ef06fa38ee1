%% -on_load: what runs before a module becomes current, and what becomes of a module whose function says no.
%% needs: OTP
-module(on_loading).
-export([main/0]).
-on_load(loaded/0).
-include("show.hrl").

loaded() ->
    persistent_term:put(?MODULE, erlang:function_exported(?MODULE, main, 0)),
    ok.

main() ->
    ?SHOW(persistent_term:get(?MODULE)),
    [begin ?SHOW(Answer), ?SHOW(loaded(Answer)), ?SHOW(erlang:module_loaded(generated)) end
     || Answer <- ["ok", "no", "error(reason)", "spawn(fun() -> ok end), ok", "{error, reason}"]],
    ?SHOW(code:load_binary(generated, "generated.beam", generated("generated:value()"))),
    ?SHOW(catch generated:value()).

loaded(Answer) ->
    code:purge(generated),
    code:delete(generated),
    code:load_binary(generated, "generated.beam", generated(Answer)).

generated(Answer) ->
    Text = "-module(generated). -on_load(start/0). -export([value/0]). value() -> 1. start() -> " ++ Answer ++ ".",
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, generated, Code} = compile:forms(forms(Tokens, []), []),
    Code.

forms([Dot = {dot, _} | Rest], Acc) ->
    {ok, Form} = erl_parse:parse_form(lists:reverse([Dot | Acc])),
    [Form | forms(Rest, [])];
forms([Token | Rest], Acc) -> forms(Rest, [Token | Acc]);
forms([], []) -> [].
