%% The compiler compiling a large module: a hundred functions of many clauses, from text to code.
-module(b_compiler).
-export([run/0]).

run() ->
    Text = lists:flatten(["-module(large).\n-compile(export_all).\n" | [function(N) || N <- lists:seq(1, 20)]]),
    {ok, Tokens, _} = erl_scan:string(Text),
    Forms = [begin {ok, Form} = erl_parse:parse_form(Form0), Form end || Form0 <- forms(Tokens, [], [])],
    {ok, large, Code} = compile:forms(Forms, [binary, nowarn_export_all]),
    {ok, {large, [{exports, Exports}]}} = beam_lib:chunks(Code, [exports]),
    {length(Tokens), length(Exports)}.

forms([], [], Forms) -> lists:reverse(Forms);
forms([{dot, _} = Dot | Rest], Form, Forms) -> forms(Rest, [], [lists:reverse([Dot | Form]) | Forms]);
forms([Token | Rest], Form, Forms) -> forms(Rest, [Token | Form], Forms).

function(N) ->
    Name = "f" ++ integer_to_list(N),
    [[Name, "({", Tag, ", X}, [H | T]) when X > ", integer_to_list(Clause), " ->\n"
      "    case lists:member(H, T) of\n"
      "        true -> A = X * ", integer_to_list(N), " + length(T), {ok, A, #{key => A, H => [X | T]}};\n"
      "        false -> try ", Name, "({", Tag, ", X - 1}, T) catch error:R -> {error, R, <<X:16, \"text\">>} end\n"
      "    end;\n"]
     || Clause <- lists:seq(1, 8), Tag <- ["tag" ++ integer_to_list(Clause)]]
    ++ [Name, "(Other, _) -> fun(Y) -> [Z || {Z, _} <- Other, Z > Y] end.\n"].
