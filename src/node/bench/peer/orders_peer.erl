%% The peer of `laybook bench orders`: durable order entry as one would write it in Erlang.
%%
%% One process a connection holds its account's money, one gen_server a market matches, one gen_server
%% journals: it takes every record that waits, writes them to a disk_log, syncs once, and only then answers
%% (group commit). TCP with four bytes of length before each message.
%%
%%   request  <<Id:64, Market:16, Side:8, Price:16, Size:32>>      Side 0 backs, 1 lays
%%   answer   <<Id:64, Ok:8, Bet:64, Matched:32>>
-module(orders_peer).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, accept/2]).

-define(MARKETS, 64).
-define(GATHERED_MAX, 4096).
-define(FUNDS, 5000000000).

main([Directory]) ->
    {ok, Journal} = gen_server:start_link(?MODULE, {journal, Directory}, []),
    Markets = list_to_tuple([market(N, Journal) || N <- lists:seq(1, ?MARKETS)]),
    Options = [binary, {packet, 4}, {active, false}, {nodelay, true}, {backlog, 1024},
               {ip, {127, 0, 0, 1}}],
    {ok, Listener} = gen_tcp:listen(0, Options),
    {ok, Port} = inet:port(Listener),
    io:format("listening ~p~n", [Port]),
    accept(Listener, Markets).

market(N, Journal) ->
    {ok, Pid} = gen_server:start_link(?MODULE, {market, N, Journal}, []),
    Pid.

accept(Listener, Markets) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Connection = spawn_link(fun() ->
        receive go -> ok end,
        ok = inet:setopts(Socket, [{active, true}]),
        converse(Socket, Markets, ?FUNDS)
    end),
    ok = gen_tcp:controlling_process(Socket, Connection),
    Connection ! go,
    accept(Listener, Markets).

%% ---------------------------------------------------------------------------------- a connection
converse(Socket, Markets, Funds) ->
    receive
        {tcp, Socket, <<Id:64, Market:16, Side:8, Price:16, Size:32>>} ->
            Risk = case Side of 0 -> Size; 1 -> Size * (Price - 100) div 100 end,
            case Risk =< Funds of
                true ->
                    Place = {place, self(), Id, Side, Price, Size},
                    gen_server:cast(element(Market + 1, Markets), Place),
                    converse(Socket, Markets, Funds - Risk);
                false ->
                    ok = gen_tcp:send(Socket, <<Id:64, 0:8, 0:64, 0:32>>),
                    converse(Socket, Markets, Funds)
            end;
        {durable, Answers} ->
            [ok = gen_tcp:send(Socket, Answer) || Answer <- Answers],
            converse(Socket, Markets, Funds);
        {tcp_closed, Socket} ->
            ok
    end.

%% ---------------------------------------------------------------------------- market and journal
init({market, N, Journal}) ->
    {ok, {market, N, Journal, gb_trees:empty(), gb_trees:empty(), N * 1000000000}};
init({journal, Directory}) ->
    File = filename:join(Directory, "peer.log"),
    {ok, Log} = disk_log:open([{name, peer}, {file, File}, {type, halt}, {format, external}]),
    {ok, {journal, Log}}.

handle_cast({place, From, Id, Side, Price, Size}, {market, N, Journal, Backs, Lays, Last}) ->
    Bet = Last + 1,
    {Left, Fills, Backs1, Lays1} = match(Side, Price, Size, Backs, Lays, []),
    {Backs2, Lays2} = rest(Side, Price, Left, Bet, Backs1, Lays1),
    Record = term_to_binary({N, Bet, Side, Price, Size, Fills}),
    Answer = <<Id:64, 1:8, Bet:64, (Size - Left):32>>,
    gen_server:cast(Journal, {record, From, Record, Answer}),
    {noreply, {market, N, Journal, Backs2, Lays2, Bet}};
handle_cast({record, From, Record, Answer}, {journal, Log}) ->
    {Records, Answers} = gather(?GATHERED_MAX, [Record], [{From, Answer}]),
    ok = disk_log:blog_terms(Log, lists:reverse(Records)),
    ok = disk_log:sync(Log),
    ByConnection = maps:groups_from_list(
        fun({Pid, _}) -> Pid end, fun({_, Told}) -> Told end, lists:reverse(Answers)),
    maps:foreach(fun(Pid, Told) -> Pid ! {durable, Told} end, ByConnection),
    {noreply, {journal, Log}}.

%% What else waits goes with the same sync.
gather(0, Records, Answers) ->
    {Records, Answers};
gather(Left, Records, Answers) ->
    receive
        {'$gen_cast', {record, From, Record, Answer}} ->
            gather(Left - 1, [Record | Records], [{From, Answer} | Answers])
    after 0 ->
        {Records, Answers}
    end.

%% A back meets lays at its price or above, the highest first; a lay meets backs at its price or below.
match(0, Price, Size, Backs, Lays, Fills) when Size > 0 ->
    case gb_trees:is_empty(Lays) orelse gb_trees:largest(Lays) of
        {Best, Queue} when Best >= Price ->
            {Left, More, Queue1} = fill(Queue, Size, Best, Fills),
            match(0, Price, Left, Backs, put_level(Best, Queue1, Lays), More);
        _ ->
            {Size, Fills, Backs, Lays}
    end;
match(1, Price, Size, Backs, Lays, Fills) when Size > 0 ->
    case gb_trees:is_empty(Backs) orelse gb_trees:smallest(Backs) of
        {Best, Queue} when Best =< Price ->
            {Left, More, Queue1} = fill(Queue, Size, Best, Fills),
            match(1, Price, Left, put_level(Best, Queue1, Backs), Lays, More);
        _ ->
            {Size, Fills, Backs, Lays}
    end;
match(_, _, 0, Backs, Lays, Fills) ->
    {0, Fills, Backs, Lays}.

fill(Queue, 0, _, Fills) ->
    {0, Fills, Queue};
fill(Queue, Size, Price, Fills) ->
    case queue:out(Queue) of
        {empty, Queue1} ->
            {Size, Fills, Queue1};
        {{value, {Bet, Open}}, Queue1} when Open =< Size ->
            fill(Queue1, Size - Open, Price, [{Bet, Open, Price} | Fills]);
        {{value, {Bet, Open}}, Queue1} ->
            {0, [{Bet, Size, Price} | Fills], queue:in_r({Bet, Open - Size}, Queue1)}
    end.

put_level(Price, Queue, Tree) ->
    case queue:is_empty(Queue) of
        true -> gb_trees:delete(Price, Tree);
        false -> gb_trees:update(Price, Queue, Tree)
    end.

rest(_, _, 0, _, Backs, Lays) -> {Backs, Lays};
rest(0, Price, Left, Bet, Backs, Lays) -> {join(Price, Left, Bet, Backs), Lays};
rest(1, Price, Left, Bet, Backs, Lays) -> {Backs, join(Price, Left, Bet, Lays)}.

join(Price, Left, Bet, Tree) ->
    Queue = case gb_trees:lookup(Price, Tree) of {value, Found} -> Found; none -> queue:new() end,
    gb_trees:enter(Price, queue:in({Bet, Left}, Queue), Tree).

handle_call(_, _, State) -> {reply, ok, State}.
handle_info(_, State) -> {noreply, State}.
