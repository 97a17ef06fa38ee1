%% The pages: a greeting, some JSON, an echo of what was sent, and what machine answers.
-module(web_handler).

-export([routes/0, init/2]).

routes() ->
    [{"/", hello}, {"/json", json}, {"/echo", echo}, {"/info", info}].

init(Request, Page) ->
    {ok, page(Page, cowboy_req:method(Request), Request), Page}.

page(echo, <<"POST">>, Request) ->
    {Body, Request1} = body(Request, <<>>),
    Type = cowboy_req:header(<<"content-type">>, Request1, <<"application/octet-stream">>),
    reply(Type, Body, Request1);
page(echo, _, Request) ->
    cowboy_req:reply(405, #{<<"allow">> => <<"POST">>}, Request);
page(hello, <<"GET">>, Request) ->
    reply(<<"text/plain">>, <<"Hello from Erlang\n">>, Request);
page(json, <<"GET">>, Request) ->
    Numbers = [#{<<"n">> => N, <<"square">> => N * N} || N <- lists:seq(1, 10)],
    json(#{<<"message">> => <<"Hello">>, <<"numbers">> => Numbers}, Request);
page(info, <<"GET">>, Request) ->
    json(#{
        <<"node">> => atom_to_binary(node()),
        <<"otp">> => list_to_binary(erlang:system_info(otp_release)),
        <<"erts">> => list_to_binary(erlang:system_info(version)),
        <<"processes">> => erlang:system_info(process_count),
        <<"memory">> => maps:from_list(erlang:memory()),
        <<"applications">> => [atom_to_binary(Name) || {Name, _, _} <- application:which_applications()]
    }, Request);
page(_, _, Request) ->
    cowboy_req:reply(405, #{<<"allow">> => <<"GET">>}, Request).

body(Request, Before) ->
    case cowboy_req:read_body(Request) of
        {ok, Data, Request1} -> {<<Before/binary, Data/binary>>, Request1};
        {more, Data, Request1} -> body(Request1, <<Before/binary, Data/binary>>)
    end.

json(Term, Request) ->
    reply(<<"application/json">>, jsx:encode(Term), Request).

reply(Type, Body, Request) ->
    cowboy_req:reply(200, #{<<"content-type">> => Type}, Body, Request).
